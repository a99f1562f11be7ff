"""Clips that hold the same audio, and what of it stands on both sides of a split."""
