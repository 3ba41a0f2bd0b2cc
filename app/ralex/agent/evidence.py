"""What speaks against the present model: typed facts, collected from the events of the loop.

Nothing here judges the model's words. A fact is a command that failed after an edit, an edit that
was refused, an error that came again, a call that could not be read.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import field

from ralex.core.checks import is_check
from ralex.core.escalation import Evidence, EvidenceKind
from ralex.core.events import AgentEvent, ToolCallFinished, ToolCallStarted
from ralex.core.ids import CallId, ModelId
from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass
from ralex.core.toolargs import ArgumentsError, parse_arguments

_ERROR_LINE = lazy_pattern(r"error|exception|fail|cannot|not found|no such|undefined|panic", re.I)
_CHANGING = lazy_pattern(r"\d+|0x[0-9a-f]+|/tmp/\S+", re.I)
_DETAIL_CHARS = 120
_TRIED = 30
_DIFF_CHARS = 12_000
_EDITS = frozenset({"edit", "write"})


@dataclass(slots=True)
class TaskRecord:
    """The facts of one task: evidence since the last step up, and what an adviser needs to know.

    Attributes:
        evidence: Since the task began or last moved up or was advised.
        was_advised: Advice was given since the task began or last moved up.
        advisers: Who gave it in this task, at any time.
        unaffordable: Whose price was said to be over the limit of a call.
        tried: The calls so far in one line each, newest last.
        diffs: What was changed, newest last.
        failure: The output of the newest failure.
        files_changed: How many calls have changed files.
    """

    evidence: list[Evidence] = field(default_factory=list[Evidence])
    was_advised: bool = False
    advisers: set[ModelId] = field(default_factory=set[ModelId])
    unaffordable: set[ModelId] = field(default_factory=set[ModelId])
    tried: list[str] = field(default_factory=list[str])
    diffs: list[str] = field(default_factory=list[str])
    failure: str = ""
    files_changed: int = 0
    refused_edits: int = 0
    _commands: dict[CallId, str] = field(default_factory=dict[CallId, str])
    _titles: dict[CallId, str] = field(default_factory=dict[CallId, str])
    _errors: Counter[str] = field(default_factory=Counter[str])

    def observe(self, event: AgentEvent) -> list[Evidence]:
        """Take the next event and give what it proves; that is part of ``evidence`` as well."""
        match event:
            case ToolCallStarted():
                self._titles[event.call_id] = f"{event.name} {event.title}"
                if event.name == "bash":
                    self._commands[event.call_id] = _command(event)
                return []
            case ToolCallFinished():
                found = self._judge(event)
                self.evidence += found
                return found
            case _:
                return []

    def moved_up(self) -> None:
        """Begin anew with another model."""
        self.evidence.clear()
        self.was_advised = False
        self._errors.clear()
        self.refused_edits = 0

    def advised(self, adviser: ModelId) -> None:
        """Give the advice a chance: only what happens from now on counts against the model."""
        self.evidence.clear()
        self.was_advised = True
        self.advisers.add(adviser)
        self._errors.clear()
        self.refused_edits = 0

    def _judge(self, event: ToolCallFinished) -> list[Evidence]:
        title = self._titles.pop(event.call_id, event.name)
        command = self._commands.pop(event.call_id, "")
        self.tried = [*self.tried, f"{title} → {event.summary}"][-_TRIED:]
        if event.files_changed:
            self.files_changed += 1
        if event.diff:
            self.diffs.append(event.diff[:_DIFF_CHARS])
            while len(self.diffs) > 1 and sum(map(len, self.diffs)) > _DIFF_CHARS:
                del self.diffs[0]
        has_checked = is_check(command)
        if has_checked and event.exit_code == 0:
            self.forget(EvidenceKind.FAILED_CHECK)
        if not event.is_error:
            return []
        return self._judge_error(event, command, has_checked=has_checked)

    def _judge_error(
        self, event: ToolCallFinished, command: str, *, has_checked: bool
    ) -> list[Evidence]:
        if event.refusal == "malformed":
            return [_evidence(EvidenceKind.MALFORMED_CALL, event.summary)]
        if event.refusal:
            return []
        self.failure = f"$ {command}\n{event.output}" if command else event.output
        if has_checked and self.files_changed and event.exit_code:
            return [_evidence(EvidenceKind.FAILED_CHECK, command)]
        found: list[Evidence] = []
        if event.name in _EDITS:
            self.refused_edits += 1
            found.append(_evidence(EvidenceKind.EDIT_REFUSED, event.summary))
        signature = _signature(event)
        if signature:
            self._errors[signature] += 1
            times = self._errors[signature]
            # The first one becomes evidence only by the second.
            repeats = 2 if times == 2 else int(times > 2)
            found += [_evidence(EvidenceKind.SAME_ERROR, signature)] * repeats
        return found

    def forget(self, kind: EvidenceKind) -> None:
        """Drop what no longer holds."""
        self.evidence = [one for one in self.evidence if one.kind is not kind]


def last_lines(text: str, most_chars: int) -> str:
    """Keep the end, where commands say what went wrong."""
    return text if len(text) <= most_chars else "…" + text[-most_chars:]


def kinds(evidence: Sequence[Evidence]) -> list[str]:
    """Name the kinds, in order."""
    return [one.kind.value for one in evidence]


def _command(event: ToolCallStarted) -> str:
    try:
        value = parse_arguments(event.arguments_json)
    except ArgumentsError:
        return event.title
    return next((v for v in value.values() if isinstance(v, str)), event.title)


def _signature(event: ToolCallFinished) -> str:
    """Give what two outputs of the same error have in common, or an empty string."""
    if event.name == "bash":
        lines = [line for line in event.output.splitlines()[:-1] if _ERROR_LINE.search(line)]
        line = lines[-1] if lines else ""
    else:
        line = event.output.split("\n", 1)[0]
    line = _CHANGING.sub("#", " ".join(line.split()))
    return f"{event.name}: {line}"[:_DETAIL_CHARS] if line else ""


def _evidence(kind: EvidenceKind, detail: str) -> Evidence:
    return Evidence(kind=kind, detail=" ".join(detail.split())[:_DETAIL_CHARS])
