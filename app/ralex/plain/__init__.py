"""The linear mode: a prompt loop and plain lines, for screen readers and simple terminals."""
