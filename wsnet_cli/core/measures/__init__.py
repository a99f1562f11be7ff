"""What is measured of a classifier, with intervals and comparisons."""
