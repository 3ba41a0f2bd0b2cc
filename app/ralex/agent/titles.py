"""Names of sessions for people."""

UNTITLED = "new session"
_LONGEST = 60


def title_of(prompt: str) -> str:
    """Take the first line that says something, cut to 60 characters."""
    first = next((line.strip() for line in prompt.splitlines() if line.strip()), "")
    return first[:_LONGEST] or UNTITLED
