"""Regular expressions in time that grows with the text and not with its malice.

Python's ``re`` tries one way after the other, so a pattern such as ``(a|a)*$`` takes longer than
the universe on some texts, and even ``a+b`` takes quadratic time to be looked for. Here all ways
are followed at once: after each character there is one set of places in the pattern where a match
may be. Sets met before are remembered, so that most characters cost two look-ups.

What is asked is only whether there is a match, not where, so groups need no memory. Look-around is
worked out first, for all positions at once: what is ahead by running its mirror image from the end.
What has no such form (back-references, possessive and atomic parts) is refused.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from importlib import import_module
from typing import Protocol, TypeAlias, cast

from ralex.core.records import dataclass

MOST_PLACES = 2_000
"""The largest pattern, in places after its repeats are written out."""

MOST_WORK = 120_000
"""Places looked at in one search, those of remembered sets not counted; some 40 ms of Python."""

_MOST_REMEMBERED = 4_000

Item: TypeAlias = tuple[object, object]


READS_ONE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT"})
LOOKS = frozenset({"ASSERT", "ASSERT_NOT"})


class _Parsed(Protocol):
    """What the parser of ``re`` gives: items of an operation and its argument."""

    def __iter__(self) -> Iterator[Item]: ...


class _Parser(Protocol):
    """The parser of ``re``; private by name, the same from 3.11 to 3.13."""

    def parse(self, text: str, /) -> _Parsed: ...

    def State(self) -> object: ...  # noqa: N802 - its name

    def SubPattern(self, state: object, data: list[Item], /) -> _Parsed: ...  # noqa: N802 - the same


class _Compiler(Protocol):
    """The compiler of ``re``."""

    def compile(self, parsed: _Parsed, flags: int, /) -> re.Pattern[str]: ...


class UnboundedPatternError(ValueError):
    """A pattern that cannot be run in bounded time; the message says what it uses."""


@dataclass(slots=True, kw_only=True)
class _Place:
    """A place in the pattern: either it reads a character, or it leads on without one.

    Attributes:
        test: What the character must match, or None.
        condition: Number of what must hold at the position to lead on, or None.
        nexts: Where it leads.
    """

    test: re.Pattern[str] | None = None
    condition: int | None = None
    nexts: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Condition:
    """What may hold at a position of the text.

    Attributes:
        zero_width: One operation of ``re`` that reads nothing, such as a word's edge; or None.
        around: A part of the pattern that must match before or after the position; or None.
        is_negated: The part must not match.
    """

    zero_width: re.Pattern[str] | None = None
    around: "_Machine | None" = None
    is_negated: bool = False

    def holds(self, text: str) -> list[bool]:
        """Tell for each position, the end included."""
        positions = range(len(text) + 1)
        if self.zero_width is not None:
            return [self.zero_width.match(text, at) is not None for at in positions]
        if self.around is None:
            return [False] * len(positions)
        return [found is not self.is_negated for found in self.around.matches(text)]


class LinearPattern:
    """A compiled pattern; its ``search`` takes time linear in the text.

    Args:
        pattern: As ``re`` writes it.

    Raises:
        UnboundedPatternError: If it uses what cannot be run like this, or is too large.
        re.error: If it is no regular expression.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        flags = re.compile(pattern).flags
        self._machine = _Machine(parsed(pattern), flags, _Budget(), is_mirrored=False)

    def search(self, text: str, /) -> bool | None:
        """Give True if the pattern matches somewhere in the text, else None.

        On a text made to keep it busy it gives up after ``MOST_WORK``, which counts as no match.
        """
        return True if any(self._machine.matches(text)) else None


class _Budget:
    """How many places a pattern may still have, its look-around included."""

    def __init__(self) -> None:
        self.left = MOST_PLACES

    def take(self, count: int = 1) -> None:
        """Use some up.

        Raises:
            UnboundedPatternError: If there are no more.
        """
        self.left -= count
        if self.left < 0:
            raise UnboundedPatternError("so many repeats that it grows too large")


class _Machine:
    """The places of a pattern or of a part of it, and the sets that were met so far."""

    def __init__(
        self, items: Sequence[Item], flags: int, budget: _Budget, *, is_mirrored: bool
    ) -> None:
        self._budget = budget
        self._is_mirrored = is_mirrored
        self._places: list[_Place] = []
        self._conditions: list[_Condition] = []
        self._end = self._add(_Place())
        self._start = self._sequence(items, self._end, flags)
        self._closed: dict[tuple[frozenset[int], int], frozenset[int]] = {}
        self._moved: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._readers: dict[str, frozenset[int]] = {}
        self._work = 0

    def matches(self, text: str) -> Iterable[bool]:
        """Tell for each position, the end included, whether a match ends there.

        Mirrored: whether one begins there.
        """
        self._work = 0
        found = self._run(text)
        return reversed(list(found)) if self._is_mirrored else found

    def _run(self, text: str) -> Iterator[bool]:
        holds = [condition.holds(text) for condition in self._conditions]
        current: frozenset[int] = frozenset()
        places = range(len(text) + 1)
        for at in reversed(places) if self._is_mirrored else places:
            if self._work > MOST_WORK:
                yield False
                continue
            here = 0
            for number, hold in enumerate(holds):
                here |= hold[at] << number
            current = self._close(current, here)
            yield self._end in current
            read = at - 1 if self._is_mirrored else at
            if 0 <= read < len(text):
                current = self._move(current, text[read])

    def _close(self, places: frozenset[int], here: int) -> frozenset[int]:
        """Begin anew here as well, and follow everything that needs no character."""
        key = (places, here)
        known = self._closed.get(key)
        if known is not None:
            return known
        reached = set[int]()
        waiting = [self._start, *places]
        while waiting:
            number = waiting.pop()
            if number in reached:
                continue
            reached.add(number)
            place = self._places[number]
            is_open = place.condition is None or here >> place.condition & 1
            if place.test is None and is_open:
                waiting.extend(place.nexts)
        self._work += len(reached)
        if len(self._closed) >= _MOST_REMEMBERED:
            self._closed.clear()
        result = self._closed[key] = frozenset(
            number for number in reached if self._places[number].test or number == self._end
        )
        return result

    def _move(self, places: frozenset[int], character: str) -> frozenset[int]:
        """Read a character."""
        key = (places, character)
        known = self._moved.get(key)
        if known is not None:
            return known
        reached = set[int]()
        for number in places & self._readers_of(character):
            reached.update(self._places[number].nexts)
        self._work += len(places)
        if len(self._moved) >= _MOST_REMEMBERED:
            self._moved.clear()
        result = self._moved[key] = frozenset(reached)
        return result

    def _readers_of(self, character: str) -> frozenset[int]:
        """Find the places that read a character."""
        known = self._readers.get(character)
        if known is None:
            if len(self._readers) >= _MOST_REMEMBERED:
                self._readers.clear()
            self._work += len(self._places)
            known = self._readers[character] = frozenset(
                number
                for number, place in enumerate(self._places)
                if place.test is not None and place.test.match(character)
            )
        return known

    def _add(self, place: _Place) -> int:
        self._budget.take()
        self._places.append(place)
        return len(self._places) - 1

    def _sequence(self, items: Sequence[Item], then: int, flags: int) -> int:
        """Build items so that they lead to ``then``; gives the place where they begin."""
        for item in items if self._is_mirrored else reversed(items):
            then = self._item(item, then, flags)
        return then

    def _item(self, item: Item, then: int, flags: int) -> int:
        name, given = operation(item)
        if name in READS_ONE:
            return self._add(_Place(test=_compiled(item, flags), nexts=[then]))
        if name == "AT":
            return self._guard(_Condition(zero_width=_compiled(item, flags)), then)
        if name == "FAILURE":
            return self._add(_Place())
        if name == "BRANCH":
            starts = [self._sequence(way, then, flags) for way in branches(given)]
            return self._add(_Place(nexts=starts))
        if name == "SUBPATTERN":
            _, added, dropped, _ = given
            own = (flags | cast("int", added)) & ~cast("int", dropped)
            return self._sequence(part(given), then, own)
        if name in REPEATS:
            least, most = cast("int", given[0]), cast("int", given[1])
            return self._repeat(least, most, part(given), then, flags)
        if name in LOOKS:
            is_ahead = cast("int", given[0]) > 0
            around = _Machine(part(given), flags, self._budget, is_mirrored=is_ahead)
            is_negated = name == "ASSERT_NOT"
            return self._guard(_Condition(around=around, is_negated=is_negated), then)
        raise UnboundedPatternError(_REFUSED.get(name, f"the operation {name}"))

    def _guard(self, condition: _Condition, then: int) -> int:
        self._conditions.append(condition)
        return self._add(_Place(condition=len(self._conditions) - 1, nexts=[then]))

    def _repeat(self, least: int, most: int, part: Sequence[Item], then: int, flags: int) -> int:
        after = then
        if most > MOST_PLACES:
            loop = self._add(_Place())
            self._places[loop].nexts = [self._sequence(part, loop, flags), after]
            then = loop
        else:
            for _ in range(most - least):
                then = self._add(_Place(nexts=[self._sequence(part, then, flags), after]))
        for _ in range(least):
            self._budget.take()
            then = self._sequence(part, then, flags)
        return then


_REFUSED = {
    "GROUPREF": "a back-reference",
    "GROUPREF_EXISTS": "a condition on a group",
    "ATOMIC_GROUP": "an atomic group (?>…)",
    "POSSESSIVE_REPEAT": "a possessive repeat (++, *+, ?+, {…}+)",
}


def parsed(pattern: str) -> tuple[Item, ...]:
    """Take a pattern apart as ``re`` does.

    Raises:
        re.error: If it is no regular expression.
    """
    parser = cast("_Parser", import_module("re._parser"))
    return tuple(parser.parse(pattern))


def operation(item: Item) -> tuple[str, tuple[object, ...]]:
    """Name an item's operation and give what it works on."""
    given = item[1]
    cells = cast("tuple[object, ...]", given) if isinstance(given, tuple) else (given,)
    return str(item[0]), cells


def part(given: tuple[object, ...]) -> tuple[Item, ...]:
    """Give the part of the pattern that an operation is about, always its last cell."""
    return tuple(cast("_Parsed", given[-1]))


def branches(given: tuple[object, ...]) -> list[tuple[Item, ...]]:
    """Give the alternatives of a branch."""
    return [tuple(way) for way in cast("list[_Parsed]", given[-1])]


def _compiled(item: Item, flags: int) -> re.Pattern[str]:
    """Compile one operation alone, so that ``re`` itself says what it matches."""
    parser = cast("_Parser", import_module("re._parser"))
    compiler = cast("_Compiler", import_module("re._compiler"))
    return compiler.compile(parser.SubPattern(parser.State(), [item]), flags)
