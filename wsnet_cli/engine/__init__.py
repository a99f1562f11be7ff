"""Runs a model file without torch."""
