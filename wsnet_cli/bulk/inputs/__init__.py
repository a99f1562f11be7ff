"""From what a user types to names of files."""
