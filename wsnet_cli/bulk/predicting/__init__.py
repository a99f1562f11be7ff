"""One answer for each input: what is asked, what is heard, what is told."""
