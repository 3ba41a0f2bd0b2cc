"""The chat: the screen people look at all day."""
