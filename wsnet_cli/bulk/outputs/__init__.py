"""The files that a prediction leaves, and their names."""
