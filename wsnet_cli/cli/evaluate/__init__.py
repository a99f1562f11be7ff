"""`wsnet evaluate`: a model, or several runs, measured, compared, reported."""
