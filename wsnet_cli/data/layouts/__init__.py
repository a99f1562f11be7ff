"""The layouts of data sets that are known, and how their clips are found."""
