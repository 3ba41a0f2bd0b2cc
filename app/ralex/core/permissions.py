"""What a tool call may do: rules of the user, of a project and of earlier answers, and the mode.

A rule names a tool and, in parentheses, a pattern: ``bash(git push *)``, ``edit(src/**)``,
``web_fetch(*.example.com)``. Deny wins wherever it is said. Of the other rules the more exact one
wins, and where two are equal the stricter one. A project's rules can only make things stricter.

A shell command is split into the simple commands it may start: a ``deny`` or ``ask`` holds if it
could be any of them, an ``allow`` only if it is each of them for certain. What cannot be read for
certain is asked about as soon as there is a rule that could concern it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from ralex.core.patterns import lazy_pattern
from ralex.core.permission_match import (
    command_fits,
    host_fits,
    is_whole_line,
    loose_reading,
    may_fit,
    name_fits,
    path_fits,
    strict_readings,
)
from ralex.core.records import dataclass
from ralex.core.shell import read_script
from ralex.core.shell_starts import possible_texts, runs_unseen
from ralex.core.shell_words import Script, SimpleCommand


class Effect(StrEnum):
    """What a rule says."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


class Layer(StrEnum):
    """Who says it.

    A project's allow counts for nothing; an earlier answer wins against an equally exact rule that
    would ask again.
    """

    USER = "user"
    PROJECT = "project"
    ANSWER = "answer"


class Kind(StrEnum):
    """What the pattern of a tool's rules is held against."""

    COMMAND = "command"
    PATH = "path"
    HOST = "host"
    NAME = "name"
    NOTHING = "nothing"


KINDS: Mapping[str, Kind] = {
    "bash": Kind.COMMAND,
    "read": Kind.PATH,
    "write": Kind.PATH,
    "edit": Kind.PATH,
    "grep": Kind.PATH,
    "glob": Kind.PATH,
    "ls": Kind.PATH,
    "web_fetch": Kind.HOST,
    "skill": Kind.NAME,
    "task": Kind.NOTHING,
    "todo": Kind.NOTHING,
    "ask_user": Kind.NOTHING,
    "job": Kind.NOTHING,
}
"""The tools that rules can be about, and what their patterns mean."""

_SAME = {"write": "edit"}
"""Tools that do the same to a file are one to a rule."""

_RULE = lazy_pattern(r"(?P<tool>\*|[A-Za-z][\w-]*)\s*(?:\((?P<pattern>.*)\))?", re.DOTALL)
_STRICTNESS = {Effect.ALLOW: 0, Effect.ASK: 1, Effect.DENY: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of ``[permissions]``.

    Attributes:
        tool: Name of a tool, or ``*`` for all.
        pattern: Empty for every call of the tool.
        source: File and line, for messages.
    """

    tool: str
    pattern: str
    effect: Effect
    layer: Layer = Layer.USER
    source: str = ""

    @property
    def name(self) -> str:
        """The rule as it is written: ``bash(git push *)``."""
        return f"{self.tool}({self.pattern})" if self.pattern else self.tool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a call is about.

    Attributes:
        texts: The command; or a file's absolute names, as typed and as resolved; or the host.
        root: Where relative patterns for paths begin.
        folds_case: Names of files that differ in case only are one file here.
    """

    tool: str
    texts: tuple[str, ...] = ()
    root: str = ""
    folds_case: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules say of a call.

    Attributes:
        effect: None if no rule concerns it.
        rule: The one that decided; None if none did, or if a call could not be read for certain.
    """

    effect: Effect | None = None
    rule: Rule | None = None


class RuleError(ValueError):
    """A rule's name is not of the form ``tool(pattern)``."""


def parse_rule(name: str, effect: Effect, *, layer: Layer = Layer.USER, source: str = "") -> Rule:
    """Read a rule's name.

    Raises:
        RuleError: If it is not of the form, there is no such tool, or it takes no pattern.
    """
    found = _RULE.fullmatch(name.strip())
    if found is None:
        raise RuleError("a rule is a tool's name, with a pattern in parentheses if need be")
    pattern = (found["pattern"] or "").strip()
    if found["pattern"] is not None and not pattern:
        raise RuleError("the pattern is empty; leave out the parentheses for every call")
    tool = found["tool"]
    if tool != "*" and tool not in KINDS:
        raise RuleError(f"there is no tool {tool!r}; there are {', '.join(KINDS)}, and * for all")
    if pattern and KINDS.get(tool, Kind.NOTHING) is Kind.NOTHING:
        takers = ", ".join(name for name, kind in KINDS.items() if kind is not Kind.NOTHING)
        raise RuleError(f"rules of {tool!r} have no pattern; those of {takers} may have one")
    if pattern == "*" or (pattern == "**" and KINDS.get(tool) is Kind.PATH):
        pattern = ""
    return Rule(tool=tool, pattern=pattern, effect=effect, layer=layer, source=source)


def judge(subject: Subject, rules: Sequence[Rule]) -> Verdict:
    """Find what the rules say of a call; the strictest of its parts decides."""
    fitting = [rule for rule in rules if _concerns(rule, subject.tool)]
    if not fitting:
        return Verdict()
    kind = KINDS.get(subject.tool, Kind.NOTHING)
    has_patterns = any(rule.pattern and rule.effect is not Effect.ALLOW for rule in fitting)
    if has_patterns and not any(subject.texts):  # what it is about cannot be read
        plain = _weigh(rule for rule in fitting if not rule.pattern)
        return max(plain, Verdict(effect=Effect.ASK), key=_strictness)
    if kind is Kind.COMMAND:
        return _judge_command("\n".join(subject.texts), fitting)
    strict = [
        rule
        for rule in fitting
        if rule.effect is not Effect.ALLOW
        and (not rule.pattern or any(_fits(rule, text, subject) for text in subject.texts))
    ]
    allowing = [
        rule
        for rule in fitting
        if rule.effect is Effect.ALLOW
        and (
            not rule.pattern
            or (bool(subject.texts) and all(_fits(rule, text, subject) for text in subject.texts))
        )
    ]
    return _weigh([*strict, *allowing])


def concerns_files(rule: Rule, tool: str) -> bool:
    """Tell whether a rule closes some files, not all, to a tool that finds files by itself."""
    return bool(rule.pattern) and rule.effect is not Effect.ALLOW and _concerns(rule, tool)


def _concerns(rule: Rule, tool: str) -> bool:
    if rule.layer is Layer.PROJECT and rule.effect is Effect.ALLOW:
        return False
    if rule.tool == "read" and tool == "grep" and rule.pattern and rule.effect is not Effect.ALLOW:
        return True  # a search in a file shows its lines
    return rule.tool == "*" or _SAME.get(rule.tool, rule.tool) == _SAME.get(tool, tool)


def _fits(rule: Rule, text: str, subject: Subject) -> bool:
    match KINDS[rule.tool]:
        case Kind.PATH:
            return path_fits(
                rule.pattern,
                text,
                root=subject.root,
                is_strict=rule.effect is not Effect.ALLOW,
                folds_case=subject.folds_case,
            )
        case Kind.HOST:
            return host_fits(rule.pattern, text)
        case Kind.NAME:
            return name_fits(rule.pattern, text)
        case Kind.COMMAND | Kind.NOTHING:
            return False


def _weigh(rules: Iterable[Rule]) -> Verdict:
    """Let deny win, then the more exact rule, then an earlier answer, then the stricter rule."""
    best: Rule | None = None
    for rule in rules:
        if rule.effect is Effect.DENY:
            return Verdict(effect=Effect.DENY, rule=rule)
        if best is None or _weight(rule) > _weight(best):
            best = rule
    return Verdict(effect=best.effect if best else None, rule=best)


def _weight(rule: Rule) -> tuple[bool, int, bool, int]:
    exact = len(rule.pattern.replace("*", "")) + (rule.tool != "*")
    is_project = rule.layer is Layer.PROJECT
    return (is_project, exact, rule.layer is Layer.ANSWER, _STRICTNESS[rule.effect])


def _judge_command(command: str, rules: Sequence[Rule]) -> Verdict:
    script = read_script(command)
    verdicts = [_judge_simple(one, rules) for one in script.commands]
    verdicts += [
        Verdict(effect=rule.effect, rule=rule)
        for rule in rules
        if rule.effect is not Effect.ALLOW
        and is_whole_line(rule.pattern)
        and any(
            command_fits(f"*{rule.pattern}{end}", " ".join(command.split())) for end in ("", "*")
        )
    ]
    has_patterns = any(rule.pattern and rule.effect is not Effect.ALLOW for rule in rules)
    if is_unsure(script) and has_patterns:
        verdicts.append(Verdict(effect=Effect.ASK))
    elif is_unsure(script) or not verdicts:
        verdicts.append(_weigh(rule for rule in rules if not rule.pattern))
    return max(verdicts, key=_strictness)


def _strictness(verdict: Verdict) -> float:
    """Order verdicts; where no rule speaks, the mode does, so that an allow cannot cover it."""
    return 0.5 if verdict.effect is None else _STRICTNESS[verdict.effect]


def is_unsure(script: Script) -> bool:
    """Tell whether a script may start more than can be read in it."""
    return script.is_opaque or any(runs_unseen(command) for command in script.commands)


def _judge_simple(command: SimpleCommand, rules: Sequence[Rule]) -> Verdict:
    holding: list[Rule] = []
    unsure: Rule | None = None
    texts = list(dict.fromkeys(possible_texts(command)))
    for rule in rules:
        if not rule.pattern:
            holding.append(rule)
        elif rule.effect is Effect.ALLOW:
            is_plain = not command.writes and not command.is_quoted
            if is_plain and command_fits(rule.pattern, command.text):
                holding.append(rule)
        elif _is_surely(rule.pattern, texts) and not command.is_quoted:
            holding.append(rule)
        elif _may_be(rule.pattern, texts):
            unsure = unsure or rule
    verdict = _weigh(holding)
    if unsure is not None and _strictness(verdict) < _STRICTNESS[Effect.ASK]:
        return Verdict(effect=Effect.ASK, rule=unsure)
    if command.is_quoted and verdict.effect is None:
        return Verdict(effect=Effect.ALLOW)  # only text, as far as anybody knows
    return verdict


def _is_surely(pattern: str, texts: Sequence[str]) -> bool:
    return any(command_fits(one, text) for one in strict_readings(pattern) for text in texts)


def _may_be(pattern: str, texts: Sequence[str]) -> bool:
    loose = loose_reading(pattern)  # ./deploy.sh may be deploy.sh of another folder as well
    readings = (*strict_readings(pattern), *((loose,) if loose else ()))
    return any(may_fit(one, text) for one in readings for text in texts)
