"""`wsnet compress`: from what is asked for to a smaller model file."""
