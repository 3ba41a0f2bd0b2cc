"""What the calls of one session may do: the mode, the rules, and the user's answers so far."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from ralex.agent.permission_links import with_links_followed
from ralex.agent.ports import PermissionMemory
from ralex.core.events import AgentEvent, ContextAdded
from ralex.core.permission_patterns import patterns_for
from ralex.core.permissions import Effect, Layer, Rule, concerns_files, judge, parse_rule
from ralex.core.records import dataclass
from ralex.errors import UsageError
from ralex.tools.base import REACHES_OUT, Tool, ToolContext
from ralex.tools.subjects import subject_of, subject_of_file

MODES = ("yolo", "ask", "plan")
_LABEL = "mode: "
_MEANINGS = {
    "yolo": "You act without asking: changes and commands run at once.",
    "ask": "The user is asked before a call that changes something runs.",
    "plan": "It is read-only: nothing may be changed and no command runs. Look into the matter "
    "and describe what you would do; the user will switch the mode.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to be done with a call.

    Attributes:
        reason: Why it is not simply allowed, in words for the user and the model.
        patterns: Rules that an answer of "always" would add; empty if none is safe.
    """

    effect: Effect
    reason: str = ""
    patterns: tuple[str, ...] = ()


class Permissions:
    """Judges the calls of one session.

    Args:
        mode: ``yolo`` runs everything, ``ask`` asks before a change, ``plan`` refuses changes.
        rules: Of the configuration.
        project: Whose answers hold here.
        memory: Keeps answers beyond the session, or None.
        events: What is stored of the session.

    Raises:
        ConfigError: If the remembered answers cannot be read.
    """

    def __init__(
        self,
        *,
        mode: str,
        rules: Sequence[Rule] = (),
        project: str = "",
        memory: PermissionMemory | None = None,
        events: Sequence[AgentEvent] = (),
    ) -> None:
        self._mode = mode
        self._rules = tuple(rules)
        self._project = project
        self._memory = memory
        self._answers = list(memory.load(project)) if memory is not None else []
        self._told_mode = MODES[0]
        for event in events:
            if isinstance(event, ContextAdded) and event.label.startswith(_LABEL):
                self._told_mode = event.label.removeprefix(_LABEL)

    @property
    def mode(self) -> str:
        """Tell ``yolo``, ``ask`` or ``plan``."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Change the mode for every call that is not judged yet.

        Raises:
            UsageError: If there is no such mode.
        """
        if mode not in MODES:
            raise UsageError(f"there is no mode {mode!r}", hint=f"the modes are {', '.join(MODES)}")
        self._mode = mode

    def news(self) -> list[ContextAdded]:
        """Tell the model of a mode that it does not know of yet; usually nothing."""
        if self._mode == self._told_mode:
            return []
        self._told_mode = self._mode
        text = f"<mode>\nThe user chose the mode {self._mode}. {_MEANINGS[self._mode]}\n</mode>"
        return [ContextAdded(label=f"{_LABEL}{self._mode}", text=text)]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """List what holds: the configuration's rules, then the user's answers."""
        return (*self._rules, *self._answers)

    def judge(self, tool: Tool, arguments: Mapping[str, object], context: ToolContext) -> Ruling:
        """Say what is to be done with a call; a deny wins in every mode."""
        subject = subject_of(tool.spec.name, arguments, context)
        verdict = judge(subject, with_links_followed(self.rules, subject.root))
        rule = verdict.rule
        said = f"the rule {rule.name} = {rule.effect} ({_place(rule)})" if rule is not None else ""
        if verdict.effect is Effect.DENY:
            return Ruling(effect=Effect.DENY, reason=f"forbidden by {said}")
        if self._mode == "plan" and tool.is_mutating:
            reason = "plan mode is read-only. Describe the change instead; the user will switch"
            return Ruling(effect=Effect.DENY, reason=reason)
        is_risky = tool.is_mutating or tool.spec.name in REACHES_OUT
        is_asked = self._mode == "ask" and is_risky
        if verdict.effect is Effect.ALLOW or (verdict.effect is None and not is_asked):
            return Ruling(effect=Effect.ALLOW)
        if verdict.effect is None:
            said = "the mode ask"
        elif rule is not None and rule.effect is Effect.DENY:
            said += ", which may cover it,"
        elif rule is None:
            said = "rules that may concern it, but what it runs cannot be told beforehand"
        return Ruling(effect=Effect.ASK, reason=said, patterns=patterns_for(subject))

    def forbids(self, tool: Tool, arguments: Mapping[str, object], context: ToolContext) -> str:
        """Say why a call that the user asks for must not run; empty if no rule denies it."""
        ruling = self.judge(tool, arguments, context)
        return ruling.reason if ruling.effect is Effect.DENY else ""

    def hidden_from(self, tool: str, context: ToolContext) -> Callable[[str], bool]:
        """Give what tells whether a search must not show a path, at least not unasked.

        It is meant for one call: links are followed once.
        """
        root = str(context.cwd.resolve())
        rules = [rule for rule in self.rules if concerns_files(rule, tool)]
        rules = list(with_links_followed(rules, root))

        def is_hidden(path: str) -> bool:
            verdict = judge(subject_of_file(tool, path, root), rules)
            return verdict.effect in (Effect.DENY, Effect.ASK)

        return is_hidden

    async def remember(self, names: Sequence[str]) -> None:
        """Allow what the user answered with "always", here and in later sessions.

        Raises:
            StoreError: If it cannot be stored; it holds for this session all the same.
        """
        for name in names:
            if all(rule.name != name for rule in self._answers):
                self._answers.append(
                    parse_rule(name, Effect.ALLOW, layer=Layer.ANSWER, source="your answer")
                )
        if self._memory is not None:
            for name in names:
                await asyncio.to_thread(self._memory.add, self._project, name)

    async def forget(self, name: str) -> bool:
        """Take an answer of "always" back; False if there is none of this name.

        Raises:
            StoreError: If that cannot be stored.
        """
        kept = [rule for rule in self._answers if rule.name != name]
        is_known = len(kept) < len(self._answers)
        self._answers = kept
        if is_known and self._memory is not None:
            await asyncio.to_thread(self._memory.remove, self._project, name)
        return is_known


def _place(rule: Rule) -> str:
    return rule.source or rule.layer.value
