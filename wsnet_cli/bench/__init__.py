"""Measures the engines against other ways of running the same network."""
