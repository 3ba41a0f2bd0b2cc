"""Small screens on top of the chat."""
