"""The default ruler: words in any inflection and several languages, and shapes of code.

The text is cut into words once; everything after that is a look-up of words in sets, so that the
time is linear in the text, and beyond a window constant. A group of words can ask for company
(``class`` is code only beside code) or give way to another (``what is`` says nothing in a request
to refactor), and a combination can say more than its parts: changing something is everyday, and so
is code, but changing code is work.
"""

from bisect import bisect_right
from collections.abc import Mapping

from ralex.core.complexity import Measurement
from ralex.core.records import dataclass
from ralex.core.shapes import Shape, marks_of
from ralex.core.vocabulary import DENSE_RUNS, Found, Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Words that say the same thing.

    Attributes:
        points: For each hit, up to ``most`` hits.
        markers: For each hit, towards the override to REASONING.
        needs: It counts only if one of these was found, where there are any.
        unless: It counts only if none of these was found.
        below: It counts only in asks of fewer tokens, where it is not None.
    """

    name: str
    dimension: str
    points: float
    most: int
    markers: int = 0
    needs: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    below: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Combo:
    """Points for groups found together: one of each set of ``every``, none of ``unless``.

    Attributes:
        below: It counts only in asks of fewer tokens, where it is not None.
    """

    name: str
    dimension: str
    points: float
    every: tuple[frozenset[str], ...]
    unless: frozenset[str] = frozenset()
    below: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepWords:
    """Words that speak of an order: one of each set must occur."""

    points: float
    every: tuple[frozenset[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Straight lines between points, flat beyond them.

    Attributes:
        xs: Ascending.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]

    def at(self, x: float) -> float:
        """Read the curve."""
        place = bisect_right(self.xs, x)
        if place == 0:
            return self.ys[0]
        if place == len(self.xs):
            return self.ys[-1]
        left, right = self.xs[place - 1], self.xs[place]
        low, high = self.ys[place - 1], self.ys[place]
        return low + (high - low) * (x - left) / (right - left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """How much of a very long ask is read, in characters: its beginning and its end."""

    head: int
    tail: int

    def of(self, text: str) -> str:
        """Cut the middle out, if the text is longer than the window."""
        if len(text) <= self.head + self.tail:
            return text
        return f"{text[: self.head]}\n{text[-self.tail :]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RalexRuler:
    """Measures words, shapes, steps, questions and length.

    Attributes:
        dimensions: Names in the order of the sum.
        limits: The range each reading is clamped to.
        signals: What each dimension is called in signals.
        silent: What each dimension reads where nothing was found.
        token_chars: Characters for one estimated token; CJK characters count one each.
    """

    dimensions: tuple[str, ...]
    limits: Mapping[str, tuple[float, float]]
    signals: Mapping[str, str]
    silent: Mapping[str, Measurement]
    vocabulary: Vocabulary
    groups: tuple[Group, ...]
    combos: tuple[Combo, ...]
    shapes: tuple[Shape, ...]
    steps: tuple[Shape, ...]
    step_words: tuple[StepWords, ...]
    length_name: str
    length: Curve
    token_chars: int
    shape_dimension: str
    steps_name: str
    questions_name: str
    questions: Curve
    window: Window
    shape_window: Window

    def measure(self, ask: str) -> tuple[Measurement, ...]:
        """Read every dimension in the order of the sum."""
        text = self.window.of(ask)
        outline = self.shape_window.of(ask)
        tokens = self._tokens(ask, text)
        seen = self.vocabulary.found_in(text)
        marks = marks_of(outline)
        words = seen.words
        shapes = [
            shape
            for shape in self.shapes
            # Asked here too, as most shapes end at this and a call costs more than the answer.
            if not (shape.marks and shape.marks.isdisjoint(marks))
            and shape.is_in(outline, marks, words)
        ]
        names = self._names(seen, shapes)
        raw = dict.fromkeys(self.dimensions, 0.0)
        matched: dict[str, list[str]] = {}
        markers = self._add_groups(seen, names, tokens, raw, matched)
        for shape in shapes:
            if shape.is_code:
                raw[self.shape_dimension] += shape.points
                matched.setdefault(self.shape_dimension, []).append(shape.name)
        self._add_combos(names, tokens, raw, matched)
        self._add_steps(outline, marks, words, raw)
        return tuple(
            [
                self._length(tokens)
                if name == self.length_name
                else self._questions(ask)
                if name == self.questions_name
                else self._reading(name, raw[name], matched.get(name), markers.get(name, 0))
                if raw[name] or name in matched
                else self.silent[name]
                for name in self.dimensions
            ]
        )

    def _names(self, seen: Found, shapes: list[Shape]) -> set[str]:
        """Name what was found, in the words of ``needs``, ``unless`` and combinations."""
        groups = self.groups
        names = {groups[index].name for index in seen.groups}
        names.update([f"{groups[index].name} first" for index in seen.first])
        names.update([f"{groups[index].name} opens" for index in seen.opening])
        for shape in shapes:
            names.add("shapes" if shape.is_code else shape.name)
            if shape.is_trouble:
                names.add("trouble")
        return names

    def _add_groups(
        self,
        seen: Found,
        names: set[str],
        tokens: float,
        raw: dict[str, float],
        matched: dict[str, list[str]],
    ) -> dict[str, int]:
        markers: dict[str, int] = {}
        for index, keywords in sorted(seen.groups.items()):
            group = self.groups[index]
            # A group without points is one that only others ask for.
            if not group.points or not _counts(group, names, tokens):
                continue
            taken = min(len(keywords), group.most)
            raw[group.dimension] += group.points * taken
            markers[group.dimension] = markers.get(group.dimension, 0) + group.markers * taken
            matched.setdefault(group.dimension, []).extend([keyword.label for keyword in keywords])
        return markers

    def _add_combos(
        self,
        names: set[str],
        tokens: float,
        raw: dict[str, float],
        matched: dict[str, list[str]],
    ) -> None:
        for combo in self.combos:
            is_short = combo.below is None or tokens < combo.below
            if is_short and _has_all(combo.every, names) and combo.unless.isdisjoint(names):
                raw[combo.dimension] += combo.points
                matched.setdefault(combo.dimension, []).append(combo.name)

    def _add_steps(
        self, outline: str, marks: frozenset[int], words: set[str], raw: dict[str, float]
    ) -> None:
        for step in self.steps:
            if step.is_in(outline, marks, words):
                raw[self.steps_name] += step.points
        for rule in self.step_words:
            if _has_all(rule.every, words):
                raw[self.steps_name] += rule.points

    def _tokens(self, ask: str, text: str) -> float:
        tokens = len(ask) / self.token_chars
        if text.isascii():
            return tokens
        dense = sum(map(len, DENSE_RUNS.findall(text))) * len(ask) / len(text)
        return tokens + dense * (1 - 1 / self.token_chars)

    def _reading(
        self, name: str, raw: float, matched: list[str] | None, markers: int
    ) -> Measurement:
        matched = matched or []
        low, high = self.limits[name]
        raw = min(max(raw, low), high)
        if not raw:
            return Measurement(name, 0.0, tuple(matched), "", markers)
        said = f"{self.signals[name]} ({', '.join(matched[:3])})" if matched else self.signals[name]
        return Measurement(name, raw, tuple(matched), said, markers)

    def _length(self, tokens: float) -> Measurement:
        raw = self.length.at(tokens)
        kind = "short" if raw <= -0.5 else "long" if raw >= 0.5 else ""
        return Measurement(
            self.length_name, raw, (), f"{kind} ({tokens:.0f} tokens)" if kind else ""
        )

    def _questions(self, ask: str) -> Measurement:
        count = ask.count("?") + ask.count("？")
        raw = self.questions.at(count)
        return Measurement(self.questions_name, raw, (), f"{count} questions" if raw else "")


def _counts(group: Group, found: set[str], tokens: float) -> bool:
    if group.needs and group.needs.isdisjoint(found):
        return False
    if group.below is not None and tokens >= group.below:
        return False
    return group.unless.isdisjoint(found)


def _has_all(every: tuple[frozenset[str], ...], found: set[str]) -> bool:
    for some in every:  # noqa: SIM110 - a generator takes three times as long, and this runs often
        if some.isdisjoint(found):
            return False
    return True
