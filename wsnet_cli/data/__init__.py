"""Data sets: layouts, manifests, splits and the cache of decoded audio. No torch."""
