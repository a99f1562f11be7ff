"""Batches of windows, drawn and changed at random while training waits for none."""
