"""`wsnet calibrate`: choosing temperature and thresholds, and showing them."""
