"""All that is shown by more than one command: lines, tables, progress."""
