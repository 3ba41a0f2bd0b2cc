"""Scorers and the words of follow-ups: files of ``rules/``, compiled once per process.

Read with the standard library alone, because every turn and ``ralex route`` need them at once. The
files ship with ralex, so a fault in one is a broken installation, not a user's mistake.
"""

import re
from collections.abc import Sequence
from functools import cache

from ralex import resources
from ralex.config.rule_files import Section, read_rules
from ralex.core.complexity import Boundaries, Complexity, Measurement, ScorerData, score_ask
from ralex.core.complexity_litellm import (
    KeywordDimension,
    LitellmRuler,
    MultiStep,
    with_options,
)
from ralex.core.complexity_ralex import Combo, Curve, Group, RalexRuler, StepWords, Window
from ralex.core.folding import fold
from ralex.core.followup import Followup, FollowupWords
from ralex.core.inflection import noun_forms, verb_forms
from ralex.core.keywords import KeywordList
from ralex.core.patterns import lazy_pattern
from ralex.core.routes import Router
from ralex.core.shapes import Needle, Shape, marks_of
from ralex.core.vocabulary import STEM_HEAD, Keyword, Phrase, Vocabulary
from ralex.errors import ConfigError

_WORDS = re.compile(r"[^\W_]+")


def scorer_names() -> tuple[str, ...]:
    """List the scorers that ship with ralex."""
    folder = resources.folder("rules") / "scorers"
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


@cache
def load_scorer(name: str) -> ScorerData:
    """Compile a scorer that ships with ralex.

    Raises:
        ConfigError: If there is none of this name.
        ResourceError: If its file is damaged.
    """
    if name not in scorer_names():
        raise ConfigError(
            f'there is no scorer "{name}"', hint=f"choose one of: {', '.join(scorer_names())}"
        )
    rules = read_rules(resources.folder("rules") / "scorers" / f"{name}.toml")
    return _keywords_scorer(rules) if rules.text("kind") == "keywords" else _groups_scorer(rules)


def scorer_for(router: Router) -> ScorerData:
    """Give the scorer of a router, with the router's own lists and thresholds applied.

    Raises:
        ConfigError: If the router names an unknown scorer.
    """
    scorer = load_scorer(router.scorer)
    return scorer if router.scorer_options is None else with_options(scorer, router.scorer_options)


class AskJudge:
    """Judges asks for any router; the scorer of a router is compiled when it is first needed."""

    def __init__(self) -> None:
        self._scorers: dict[str, ScorerData] = {}

    def prepare(self, router: Router) -> ScorerData:
        """Compile a router's scorer, unless that is done.

        Raises:
            ConfigError: If the router names an unknown scorer.
        """
        if router.name not in self._scorers:
            self._scorers[router.name] = scorer_for(router)
        return self._scorers[router.name]

    def __call__(self, ask: str, router: Router) -> Complexity:
        """Judge how hard an ask is, as the router weighs it."""
        return score_ask(
            ask, self.prepare(router), weights=router.weights, boundaries=router.boundaries
        )


@cache
def load_followups() -> FollowupWords:
    """Compile the words by which follow-ups are known; the result is called with an ask.

    Raises:
        ResourceError: If the file is missing or damaged.
    """
    rules = read_rules(resources.folder("rules") / "followups.toml")
    replies, openings, complaints, tasks, limits = (
        rules.section(key) for key in ("replies", "openings", "complaints", "tasks", "limits")
    )
    return FollowupWords(
        reply_words=frozenset(_folded_words(replies.texts("words"))),
        reply_verbs=frozenset(_folded_words(replies.texts("verbs"))),
        openings=_folded_phrases(openings.texts("phrases")),
        complaints=_folded_phrases(complaints.texts("phrases")),
        tasks=frozenset(map(fold, tasks.texts("words"))),
        task_stems=tuple(map(fold, tasks.texts("stems"))),
        nouns=frozenset(_folded_words(complaints.texts("nouns"))),
        signs=complaints.texts("signs"),
        dense={
            Followup.REPLY: tuple(map(fold, replies.texts("dense"))),
            Followup.OPENING: tuple(map(fold, openings.texts("dense"))),
            Followup.COMPLAINT: tuple(map(fold, complaints.texts("dense"))),
        },
        dense_tasks=tuple(map(fold, tasks.texts("dense"))),
        most_chars=limits.whole("chars"),
        most_noun_words=limits.whole("noun_words"),
        most_words={kind: limits.whole(f"{kind}_words") for kind in Followup},
        most_dense_chars={
            kind: limits.whole(f"{kind}_dense") for kind in Followup if kind is not Followup.REPLY
        },
    )


def _folded_words(texts: Sequence[str]) -> list[str]:
    # What folding splits, such as marks of other scripts, is looked up in its parts, as in an ask.
    return [word for text in texts for word in _WORDS.findall(fold(text))]


def _folded_phrases(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(f" {' '.join(_WORDS.findall(fold(text)))} " for text in texts)


def _keywords_scorer(rules: Section) -> ScorerData:
    length, steps, questions = (rules.section(key) for key in ("length", "multi_step", "questions"))
    ruler = LitellmRuler(
        length_name=length.text("name"),
        token_chars=length.whole("token_chars"),
        short_below=length.whole("short_below"),
        long_above=length.whole("long_above"),
        length_scores=_three(length, "scores"),
        keyword_dimensions=tuple(
            KeywordDimension(
                name=entry.text("name"),
                list_name=entry.text("list"),
                signal=entry.text("signal"),
                keywords=KeywordList.compile(entry.texts("keywords")),
                low_at=entry.whole("low_at"),
                high_at=entry.whole("high_at"),
                scores=_three(entry, "scores"),
                is_marker=entry.flag("is_marker"),
            )
            for entry in rules.sections("keyword_dimensions")
        ),
        multi_step=MultiStep(
            name=steps.text("name"),
            signal=steps.text("signal"),
            score=steps.number("score"),
            ordered=tuple((pair[0], pair[1]) for pair in steps.text_lists("ordered")),
            patterns=tuple(re.compile(pattern) for pattern in steps.texts("patterns")),
        ),
        questions_name=questions.text("name"),
        questions_above=questions.whole("above"),
        questions_score=questions.number("score"),
    )
    return ScorerData(
        name=rules.text("name"),
        ruler=ruler,
        weights=rules.section("weights").all_numbers(),
        boundaries=_boundaries(rules),
        keeps_unnamed_weights=False,
        override_markers=rules.section("override").whole("markers"),
    )


def _groups_scorer(rules: Section) -> ScorerData:
    weights = rules.section("weights").all_numbers()
    length, questions, window = (rules.section(key) for key in ("length", "questions", "window"))
    limits, said = rules.section("limits"), rules.section("signals")
    entries = rules.sections("groups")
    named = rules.section("names")
    ruler = RalexRuler(
        dimensions=tuple(weights),
        limits={name: _range(limits, name) for name in limits.names()},
        signals={name: said.text(name) for name in said.names()},
        silent={name: Measurement(name, 0.0) for name in weights},
        vocabulary=_vocabulary(entries),
        groups=tuple(_group(entry) for entry in entries),
        combos=tuple(_combo(entry) for entry in rules.sections("combos")),
        shapes=tuple(_shape(entry) for entry in rules.sections("shapes")),
        steps=tuple(_shape(entry) for entry in rules.sections("steps")),
        step_words=tuple(
            StepWords(
                points=entry.number("points"),
                every=tuple(frozenset(map(fold, some)) for some in entry.text_lists("all")),
            )
            for entry in rules.sections("step_words")
        ),
        length_name=length.text("name"),
        length=_curve(length),
        token_chars=length.whole("token_chars"),
        shape_dimension=named.text("shapes"),
        steps_name=named.text("steps"),
        questions_name=questions.text("name"),
        questions=_curve(questions),
        window=Window(head=window.whole("head"), tail=window.whole("tail")),
        shape_window=Window(head=window.whole("shapes_head"), tail=window.whole("shapes_tail")),
    )
    return ScorerData(
        name=rules.text("name"),
        ruler=ruler,
        weights=weights,
        boundaries=_boundaries(rules),
        override_markers=rules.section("override").whole("markers"),
    )


def _vocabulary(entries: Sequence[Section]) -> Vocabulary:
    keywords: list[Keyword] = []
    words: dict[str, list[int]] = {}
    stems: dict[str, list[tuple[str, int]]] = {}
    phrases: dict[str, list[Phrase]] = {}
    cjk: list[tuple[str, int]] = []
    for group, entry in enumerate(entries):
        for kind in ("verbs", "nouns", "exact", "phrases", "stems", "cjk"):
            for text in entry.texts(kind):
                rank = len(keywords)
                keywords.append(Keyword(group, f"{text}…" if kind == "stems" else text))
                folded = fold(text)
                if kind == "stems":
                    if len(folded) < STEM_HEAD or not _WORDS.fullmatch(folded):
                        raise entry.fault("stems", f"{text!r} is not a word of 4 letters or more")
                    stems.setdefault(folded[:STEM_HEAD], []).append((folded, rank))
                elif kind == "cjk":
                    cjk.append((folded, rank))
                elif kind == "phrases":
                    parts = _WORDS.findall(folded)
                    phrase = Phrase(f" {' '.join(parts)} ", frozenset(parts), rank)
                    phrases.setdefault(max(parts, key=len), []).append(phrase)
                else:
                    if not _WORDS.fullmatch(folded):
                        raise entry.fault(kind, f"{text!r} is not one word")
                    for form in _forms(kind, folded):
                        words.setdefault(form, []).append(rank)
    return Vocabulary(
        keywords=tuple(keywords),
        words={word: tuple(found) for word, found in words.items()},
        stems={head: tuple(found) for head, found in stems.items()},
        phrases={key: tuple(found) for key, found in phrases.items()},
        cjk=tuple(cjk),
        cjk_letters=frozenset("".join(text for text, _ in cjk)),
    )


def _forms(kind: str, word: str) -> frozenset[str]:
    if kind == "verbs":
        return verb_forms(word)
    return noun_forms(word) if kind == "nouns" else frozenset({word})


def _group(entry: Section) -> Group:
    return Group(
        name=entry.text("name"),
        dimension=entry.text("dimension"),
        points=entry.number("points"),
        most=entry.whole("most"),
        markers=entry.whole("markers", 0),
        needs=frozenset(entry.texts("needs")),
        unless=frozenset(entry.texts("unless")),
        below=entry.whole("below") if entry.has("below") else None,
    )


def _combo(entry: Section) -> Combo:
    return Combo(
        name=entry.text("name"),
        dimension=entry.text("dimension"),
        points=entry.number("points"),
        every=tuple(frozenset(some) for some in entry.text_lists("all")),
        unless=frozenset(entry.texts("unless")),
        below=entry.whole("below") if entry.has("below") else None,
    )


def _shape(entry: Section) -> Shape:
    needles = tuple(Needle(text, marks_of(text)) for text in entry.texts("needs"))
    words = frozenset(entry.texts("words"))
    marks: frozenset[int] = frozenset()
    if not words and all(needle.marks for needle in needles):
        marks = marks.union(*(needle.marks for needle in needles))
    return Shape(
        name=entry.text("name", ""),
        points=entry.number("points"),
        needles=needles,
        words=words,
        marks=marks,
        pattern=lazy_pattern(entry.text("pattern")) if entry.has("pattern") else None,
        is_trouble=entry.flag("trouble"),
        is_code=not entry.has("is_code") or entry.flag("is_code"),
        least=entry.whole("least", 1),
    )


def _curve(entry: Section) -> Curve:
    points = entry.number_lists("curve")
    return Curve(xs=tuple(x for x, _ in points), ys=tuple(y for _, y in points))


def _boundaries(rules: Section) -> Boundaries:
    entry = rules.section("boundaries")
    return Boundaries(
        simple_medium=entry.number("simple_medium"),
        medium_complex=entry.number("medium_complex"),
        complex_reasoning=entry.number("complex_reasoning"),
    )


def _three(entry: Section, key: str) -> tuple[float, float, float]:
    low, middle, high = entry.numbers(key)
    return low, middle, high


def _range(entry: Section, key: str) -> tuple[float, float]:
    low, high = entry.numbers(key)
    return low, high
