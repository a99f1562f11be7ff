"""`wsnet train`: one run, or several over folds and seeds."""
