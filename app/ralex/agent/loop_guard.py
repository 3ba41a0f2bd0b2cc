"""Notice a model that makes the same call again and again, also when nobody is asked first.

A call counts as a repetition only if nothing could have changed its result: the same name and
arguments, the same result as before, and no other change in between. Running the tests after every
edit is work; reading an unchanged file for the third time is not.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

NUDGE_AT = 3
STOP_AT = 5


class Verdict(StrEnum):
    """What to do with a call."""

    RUN = "run"
    NUDGE = "nudge"
    STOP = "stop"


@dataclass(slots=True)
class _Seen:
    times: int = 0
    result: str | None = None


@dataclass(slots=True)
class LoopGuard:
    """Counts identical calls within one turn."""

    _seen: dict[str, _Seen] = field(default_factory=dict[str, _Seen])

    def judge(self, name: str, arguments: Mapping[str, object]) -> Verdict:
        """Count a call before it runs and say whether it may."""
        seen = self._seen.setdefault(_key(name, arguments), _Seen())
        seen.times += 1
        if seen.times >= STOP_AT:
            return Verdict.STOP
        return Verdict.NUDGE if seen.times >= NUDGE_AT else Verdict.RUN

    def note(
        self, name: str, arguments: Mapping[str, object], result: str, *, has_changed: bool
    ) -> None:
        """Take a call's result; a new result or a change makes earlier counts worthless.

        Args:
            has_changed: The call may have changed what other calls would see.
        """
        key = _key(name, arguments)
        seen = self._seen.setdefault(key, _Seen())
        if seen.result is not None and seen.result != result:
            seen.times = 1
        seen.result = result
        if has_changed:
            self._seen = {key: seen}


def nudge(name: str, times: int) -> str:
    """Word the answer to a repeated call."""
    return (
        f"Not run: this is an identical {name} call, repeated {times} times with the same result. "
        "You already have that result above. Take a different approach or finish; "
        "the turn is stopped if you repeat it."
    )


def _key(name: str, arguments: Mapping[str, object]) -> str:
    return name + json.dumps(arguments, sort_keys=True, default=str)
