"""Prediction and evaluation over many inputs, and one writer per output format."""
