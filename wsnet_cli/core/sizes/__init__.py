"""Bytes of models: what they take, and how they are brought under a limit."""
