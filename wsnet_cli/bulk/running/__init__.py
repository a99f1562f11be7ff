"""A whole prediction: one that can be gone on with, or of standard input while it comes."""
