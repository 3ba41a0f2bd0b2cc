"""Notice a model that makes the same calls again and again, also when nobody is asked first.

A call counts as a repetition only if nothing could have changed its result: the same name and
arguments, the same result as before, and no other change in between. Running the tests after every
edit is work; reading an unchanged file for the third time is not. A command counts as a change only
while its result is new: two that take turns and say the same each time lead nowhere.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass

NUDGE_AT = 3
STOP_AT = 5
_MOST_FORGIVEN = 2


class Verdict(StrEnum):
    """What to do with a call."""

    RUN = "run"
    NUDGE = "nudge"
    STOP = "stop"


_TIMES = lazy_pattern(r"\d+(?:[.:]\d+)*\s?(?:ns|ms|s|sec|secs|seconds|min)?\b")
"""Durations and times of day differ from run to run and are no news; other numbers are."""

_COMPARED_CHARS = 4_000
_POLLING = frozenset({"job"})
"""Asking how a background command is doing is waiting, not a loop."""


@dataclass(slots=True)
class _Seen:
    times: int = 0
    told_in: int = -1
    result: int | None = None
    epoch: int = 0
    forgiven: int = 0


@dataclass(slots=True)
class LoopGuard:
    """Counts identical calls within one turn."""

    _seen: dict[str, _Seen] = field(default_factory=dict[str, _Seen])
    _epoch: int = 0
    _batch: int = 0

    def begin_batch(self) -> None:
        """Begin the calls of another reply; a model can heed only what it was told before it."""
        self._batch += 1

    def judge(self, name: str, arguments: Mapping[str, object]) -> Verdict:
        """Count a call before it runs and say whether it may."""
        if name in _POLLING:
            return Verdict.RUN
        return self._count(_key(name, arguments))

    def judge_broken(self, name: str, arguments_json: str) -> Verdict:
        """Count a call that cannot be run as it was sent: no tool of that name, broken arguments.

        It is answered in any case, and counted by its very text, so that repairing it is no
        repetition.
        """
        return self._count(f"broken {name} {arguments_json}")

    def _count(self, key: str) -> Verdict:
        seen = self._seen.setdefault(key, _Seen())
        if seen.epoch != self._epoch:
            seen.epoch, seen.times = self._epoch, 0
        seen.times += 1
        if seen.times < NUDGE_AT:
            seen.told_in = -1
            return Verdict.RUN
        if seen.told_in < 0:
            seen.told_in = self._batch
        is_told = seen.told_in < self._batch
        return Verdict.STOP if seen.times >= STOP_AT and is_told else Verdict.NUDGE

    def forgive(self) -> None:
        """Let calls be made again whose results were left out of the conversation meanwhile.

        A model that only goes round is stopped all the same: each call is forgiven twice at most.
        """
        for seen in self._seen.values():
            if seen.times and seen.forgiven < _MOST_FORGIVEN:
                seen.times = 0
                seen.forgiven += 1

    def note(
        self,
        name: str,
        arguments: Mapping[str, object],
        result: str,
        *,
        has_changed: bool,
        may_have_changed: bool = False,
    ) -> None:
        """Take a call's result; a new result or a change makes earlier counts worthless.

        Args:
            has_changed: The call has changed what other calls would see.
            may_have_changed: It could have, as a command could; it counts if its result is new.
        """
        seen = self._seen.setdefault(_key(name, arguments), _Seen())
        told = _essence(result)
        is_new = seen.result != told
        if seen.result is not None and is_new:
            seen.times = 1
        seen.result = told
        if has_changed or (may_have_changed and is_new):
            self._epoch += 1
            seen.epoch = self._epoch


def nudge(name: str, times: int) -> str:
    """Word the answer to a repeated call."""
    return (
        f"Not run: this is an identical {name} call, repeated {times} times with the same result. "
        "You already have that result above. Take a different approach or finish; "
        "the turn is stopped if you repeat it."
    )


def _key(name: str, arguments: Mapping[str, object]) -> str:
    return name + json.dumps(arguments, sort_keys=True, default=str)


def _essence(result: str) -> int:
    """Give what two results have in common that differ in their times only."""
    start, end = result[:_COMPARED_CHARS], result[_COMPARED_CHARS:][-_COMPARED_CHARS:]
    middle = result[len(start) : len(result) - len(end)]
    return hash((_TIMES.sub(_time_or_number, start), middle, _TIMES.sub(_time_or_number, end)))


def _time_or_number(found: re.Match[str]) -> str:
    text = found[0]
    return "" if text[-1].isalpha() or ":" in text else text
