"""Labelled clips: which of them, and where their audio is."""
