"""A provider that plays a script: the demo's model, and the tests' one.

It speaks the same protocol as any other provider, records what it was asked, and fails when its
script runs out, so that a test notices every call that nobody planned.
"""

import asyncio
import json
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from ralex.core.ids import CallId
from ralex.core.messages import (
    AssistantMessage,
    Message,
    ModelRequest,
    SystemMessage,
    ToolCall,
    ToolResultMessage,
    UserMessage,
)
from ralex.core.rate_limits import RateLimits
from ralex.core.records import dataclass
from ralex.core.stream import (
    FinishReason,
    ProviderPart,
    ReasoningDelta,
    StreamFinished,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ralex.core.usage import Usage
from ralex.errors import BadRequestError, ProviderError

_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedCall:
    """A tool call of a script.

    Attributes:
        arguments: The arguments, or their raw JSON text to play a broken call.
    """

    name: str
    arguments: Mapping[str, object] | str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedStep:
    """One reply of a script.

    Attributes:
        expect: Regular expression that the newest input must match, or empty.
        usage: What to report; None estimates it from the texts.
        error: Raised instead of replying; after the text, if there is some.
        finish_reason: None takes ``stop`` or ``tool_calls``.
        is_cut: End without a finish reason, as a dropped connection does.
        rate_limits: Told before the reply, as by a provider's headers.
    """

    text: str = ""
    reasoning: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    expect: str = ""
    usage: Usage | None = None
    error: ProviderError | None = None
    finish_reason: FinishReason | None = None
    is_cut: bool = False
    rate_limits: RateLimits | None = None


class ScriptedProvider:
    """Plays steps in order, whatever is asked.

    Args:
        steps: The script.
        tokens_per_s: Speed of the played stream; infinite by default.
        last_words: Said when the script is over; None raises instead.

    Attributes:
        requests: Every request so far, oldest first.
    """

    def __init__(
        self,
        steps: Sequence[ScriptedStep],
        *,
        tokens_per_s: float = math.inf,
        last_words: str | None = None,
    ) -> None:
        self._steps = list(steps)
        self._tokens_per_s = tokens_per_s
        self._last_words = last_words
        self._played = 0
        self._cached_characters: dict[str, int] = {}
        self.requests: list[ModelRequest] = []

    @property
    def is_over(self) -> bool:
        """Tell whether every step was played."""
        return self._played >= len(self._steps)

    @asynccontextmanager
    async def stream(
        self, request: ModelRequest
    ) -> AsyncGenerator[AsyncIterator[ProviderPart], None]:
        """Play the next step.

        Raises:
            ProviderError: What the script says, or that it is over.
        """
        self.requests.append(request)
        step = self._next()
        newest = _newest_input(request.messages)
        if step.expect and not re.search(step.expect, newest, re.DOTALL):
            raise BadRequestError(
                f"the script expected /{step.expect}/ in the newest input, got {newest[-200:]!r}"
            )
        if step.error is not None and not step.text:
            raise step.error
        yield self._play(step, request)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _next(self) -> ScriptedStep:
        if self.is_over:
            if self._last_words is None:
                raise BadRequestError("the script is over, and another reply was asked for")
            return ScriptedStep(text=self._last_words)
        step = self._steps[self._played]
        self._played += 1
        return step

    async def _play(self, step: ScriptedStep, request: ModelRequest) -> AsyncIterator[ProviderPart]:
        if step.rate_limits is not None:
            yield step.rate_limits
        for piece in _pieces(step.reasoning):
            await self._pace(piece)
            yield ReasoningDelta(text=piece)
        for piece in _pieces(step.text):
            await self._pace(piece)
            yield TextDelta(text=piece)
        if step.error is not None:
            raise step.error
        calls = tuple(
            ToolCall(
                id=CallId(f"call_{self._played}_{index}"),
                name=call.name,
                arguments_json=call.arguments
                if isinstance(call.arguments, str)
                else json.dumps(call.arguments),
            )
            for index, call in enumerate(step.calls)
        )
        for index, call in enumerate(calls):
            await self._pace(call.arguments_json)
            yield ToolCallDelta(
                index=index,
                call_id=call.id,
                name=call.name,
                arguments_json=call.arguments_json,
            )
        if step.is_cut:
            return
        usage = step.usage or self._estimate(request, step, calls)
        if usage.output_tokens > request.max_output_tokens:  # as any provider keeps to the cap
            usage = replace(usage, output_tokens=request.max_output_tokens)
        yield UsageReport(usage=usage)
        default = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
        yield StreamFinished(
            message=AssistantMessage(text=step.text, tool_calls=calls, reasoning=step.reasoning),
            finish_reason=step.finish_reason or default,
            usage=usage,
            cost_usd=None,
            model=request.model,
        )

    async def _pace(self, text: str) -> None:
        if math.isfinite(self._tokens_per_s):
            await asyncio.sleep(len(text) / _CHARACTERS_PER_TOKEN / self._tokens_per_s)

    def _estimate(
        self, request: ModelRequest, step: ScriptedStep, calls: Sequence[ToolCall]
    ) -> Usage:
        """Count as a provider does whose models each cache what they were sent before."""
        characters = sum(len(tool.schema_json) + len(tool.description) for tool in request.tools)
        characters += sum(len(_text(message)) for message in request.messages)
        cached = min(self._cached_characters.get(request.model, 0), characters)
        self._cached_characters[request.model] = characters
        said = step.text + step.reasoning + "".join(call.arguments_json for call in calls)
        return Usage(
            input_tokens=(characters - cached) // _CHARACTERS_PER_TOKEN,
            cache_read_tokens=cached // _CHARACTERS_PER_TOKEN,
            output_tokens=max(1, len(said) // _CHARACTERS_PER_TOKEN),
            reasoning_tokens=len(step.reasoning) // _CHARACTERS_PER_TOKEN,
        )


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s*\S+\s*$|\s*\S+|\s+", text)


def _text(message: Message) -> str:
    match message:
        case SystemMessage() | UserMessage() | ToolResultMessage():
            return message.text
        case AssistantMessage():
            return message.text + "".join(call.arguments_json for call in message.tool_calls)


def _newest_input(messages: Sequence[Message]) -> str:
    newest: list[str] = []
    for message in reversed(messages):
        if isinstance(message, AssistantMessage):
            break
        newest.append(_text(message))
    return "\n".join(reversed(newest))
