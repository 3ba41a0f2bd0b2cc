"""What changed, file by file."""
