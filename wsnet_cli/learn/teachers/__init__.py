"""Models that a run learns from or starts from."""
