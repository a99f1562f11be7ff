"""The door: one file per command, the error boundary, and all that is shown to people."""
