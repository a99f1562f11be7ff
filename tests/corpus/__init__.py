"""Odd and broken audio files, made by code, each with what must be said of it."""
