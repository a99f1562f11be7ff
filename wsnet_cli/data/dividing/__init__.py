"""Which clips are trained on and which are held out."""
