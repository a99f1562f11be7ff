"""One run: from what is asked to the files in its folder."""
