"""A model on labelled clips: its measures, their files, and two of them side by side."""
