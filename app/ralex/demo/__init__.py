"""A scripted model that plays a real task, so that ralex can be tried without a key."""
