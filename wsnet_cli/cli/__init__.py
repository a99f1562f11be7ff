"""The door: one module or folder per command, the error boundary, and all that people are shown."""
