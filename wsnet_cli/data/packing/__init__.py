"""The decoded audio of a data set: packed once, found by content."""
