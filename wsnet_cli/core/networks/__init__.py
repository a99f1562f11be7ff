"""Layers and networks: their geometry, their weights and what they cost."""
