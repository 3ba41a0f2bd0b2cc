"""Regular expressions that must not be run: those whose time explodes on some texts.

The danger is a group with an open-ended repeat inside that is itself repeated without end, such as
``(a+)+``. The check reads the pattern's text; it may refuse a harmless pattern of that shape, which
can always be written without one of the two repeats.
"""

import re

_TOKEN = re.compile(
    r"""
    (?P<escape>\\.)
  | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
  | (?P<atomic>\((?=\?>))
  | (?P<open>\()
  | (?P<close>\))
  | (?P<repeat>[*+]|\{\d*,\})(?P<mode>[+?]?)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


def runs_away(pattern: str) -> bool:
    """Tell whether an open-ended repeat holds another one, and neither is possessive or atomic."""
    opened: list[tuple[bool, bool]] = []
    has_repeat, is_atomic = False, False
    closed: bool | None = None
    for token in _TOKEN.finditer(pattern):
        group = closed
        closed = None
        if token["open"] or token["atomic"]:
            opened.append((has_repeat, is_atomic))
            has_repeat, is_atomic = False, bool(token["atomic"])
        elif token["close"]:
            inner = has_repeat and not is_atomic
            outer_repeat, is_atomic = opened.pop() if opened else (False, False)
            closed = inner
            has_repeat = outer_repeat or inner
        elif token["repeat"] and token["mode"] != "+":
            if group:
                return True
            has_repeat = True
    return False
