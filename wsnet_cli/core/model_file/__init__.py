"""The model file: from a model to bytes, and from bytes that may lie to a model."""
