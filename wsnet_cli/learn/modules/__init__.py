"""Torch modules: layers that are sampled, and networks of them."""
