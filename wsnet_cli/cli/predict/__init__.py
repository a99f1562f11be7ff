"""`wsnet predict`: many files, shown or written, or what a recorder sends."""
