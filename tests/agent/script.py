"""Short names for what scripts of the agent's tests are made of."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

from ralex.core.events import AgentEvent, ToolCallFinished
from ralex.core.messages import Message, ModelRequest, UserMessage
from ralex.providers.scripted import ScriptedCall, ScriptedStep

HELLO = "Hello, can you help me?"
DONE = ScriptedStep(text="Done.")

Kind = TypeVar("Kind")


def read(path: str) -> ScriptedCall:
    return ScriptedCall(name="read", arguments={"path": path})


def shell(command: str) -> ScriptedCall:
    return ScriptedCall(name="bash", arguments={"command": command})


def edit(path: str, old: str, new: str) -> ScriptedCall:
    return ScriptedCall(name="edit", arguments={"path": path, "old": old, "new": new})


def step(*calls: ScriptedCall, text: str = "") -> ScriptedStep:
    return ScriptedStep(text=text, calls=calls)


def of(events: Sequence[AgentEvent], kind: type[Kind]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def finished_calls(events: Sequence[AgentEvent]) -> list[ToolCallFinished]:
    return of(events, ToolCallFinished)


def user_texts(messages: Sequence[Message]) -> list[str]:
    return [message.text for message in messages if isinstance(message, UserMessage)]


def breaks(requests: Sequence[ModelRequest]) -> int:
    """Count the requests that do not extend the one before them."""
    return sum(
        later.messages[: len(earlier.messages)] != earlier.messages or later.tools != earlier.tools
        for earlier, later in pairwise(requests)
    )
