"""Where we are."""
