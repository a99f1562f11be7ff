"""What is wrong with the clips of a data set: measured, judged, reported."""
