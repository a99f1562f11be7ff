"""Several runs over folds, seeds and sizes, in processes of their own."""
