"""The torch half: layers, networks, feeding, augmentation, training, resuming."""
