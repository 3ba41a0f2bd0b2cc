"""The turn loop: route, call, run tools, and tell everything as events."""
