"""What a model loses by fewer bits: layer by layer, and as a whole."""
