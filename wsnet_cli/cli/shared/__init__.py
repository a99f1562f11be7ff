"""What commands share: options, exit codes, clips and files, and looks before any work."""
