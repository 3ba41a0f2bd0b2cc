"""One clean line for a card, out of whatever a model sent."""

from collections.abc import Iterable, Mapping

from ralex.core.patterns import lazy_pattern

_MAX_TITLE = 80
_CONTROL = lazy_pattern(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-_]|"
    r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]+"
)


def one_line(text: str) -> str:
    """Cut a text down to one line of at most 80 characters without control characters."""
    flat = without_control(text[:1000])
    return flat if len(flat) <= _MAX_TITLE else flat[: _MAX_TITLE - 1] + "…"


def without_control(text: str) -> str:
    """Make a text one line, of whatever length, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def title_from(arguments: Mapping[str, object], names: Iterable[str], default: str) -> str:
    """Take the first of the named arguments that is a text."""
    for name in names:
        value = arguments.get(name)
        if isinstance(value, str) and value.strip():
            return one_line(value)
    return default
