"""What several runs over folds and seeds said of their held-out clips."""
