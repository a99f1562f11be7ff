"""What a network hears: files and streams to windows of samples."""
