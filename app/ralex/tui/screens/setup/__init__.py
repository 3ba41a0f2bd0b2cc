"""The first start: a provider, a key, a test, and on into the chat."""
