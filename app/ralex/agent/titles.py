"""Names of sessions for people: the first line of the ask, or a few words of a cheap model's."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal

from ralex.agent.services import AgentServices
from ralex.agent.sizing import RequestSizer
from ralex.core.ids import ModelId, SessionId
from ralex.core.messages import Message, SystemMessage, UserMessage
from ralex.core.models import ModelInfo
from ralex.core.pricing import worst_case_usd
from ralex.core.routing import Router
from ralex.core.terminal_text import clean_line
from ralex.dispatch.calls import Call, CallEvent, Candidate
from ralex.dispatch.finishing import ended
from ralex.errors import RalexError

_log = logging.getLogger(__name__)

UNTITLED = "new session"
_LONGEST = 60

MOST_USD = Decimal("0.001")
"""No title is worth more; a model whose worst case is dearer writes none."""

_OUTPUT_TOKENS = 256
_SHOWN_CHARACTERS = 1_200
_MOST_TRIES = 3
_ENOUGH_WORDS = 12

_SYSTEM = "You name conversations. You answer with the name alone, in the language of the ask."
_REQUEST = (
    "Name this conversation in three to seven words that tell it from others: what it is about, "
    "not that it is a conversation. No quotes, no full stop.\n\n"
    "<ask>\n{ask}\n</ask>\n\n<answer>\n{answer}\n</answer>"
)


def title_of(prompt: str) -> str:
    """Take the first line that says something, cut to 60 characters."""
    first = next((line.strip() for line in prompt.splitlines() if line.strip()), "")
    return first[:_LONGEST] or UNTITLED


class Titler:
    """Names one session behind the user's back: never waited for, and never a reason to fail.

    It begins after a turn and gives way to the next one. The call is a reservation of its own, with
    the tag ``title``.

    Args:
        router: Gives the router in force.
        rename: Takes the name.
    """

    def __init__(
        self,
        services: AgentServices,
        *,
        session_id: SessionId,
        project: str,
        router: Callable[[], Router],
        rename: Callable[[str], Awaitable[None]],
    ) -> None:
        self._services = services
        self._session_id = session_id
        self._project = project
        self._router = router
        self._rename = rename
        self._task: asyncio.Task[None] | None = None
        self._tries = 0
        self.is_done = not services.names_sessions

    def begin(self, ask: str, answer: str) -> None:
        """Start to find a name unless there is one."""
        if self.is_done or self._tries >= _MOST_TRIES or self._task is not None:
            return
        self._tries += 1
        self._task = asyncio.create_task(self._name(ask, answer), name="title")

    async def stop(self) -> None:
        """Give way; what was sent is settled before this returns."""
        task, self._task = self._task, None
        if task is not None:
            await ended(task)

    async def _name(self, ask: str, answer: str) -> None:
        try:
            title = await self._ask_model(ask, answer)
            if title and not self.is_done:
                self.is_done = True
                await self._rename(title)
        except RalexError as error:
            _log.info("no title was made: %s", error.message)
        except Exception:  # noqa: BLE001 - a title is never a reason to fail
            _log.exception("no title was made")

    async def _ask_model(self, ask: str, answer: str) -> str:
        messages: tuple[Message, ...] = (
            SystemMessage(text=_SYSTEM),
            UserMessage(
                text=_REQUEST.format(ask=ask[:_SHOWN_CHARACTERS], answer=answer[:_SHOWN_CHARACTERS])
            ),
        )
        model = self._cheapest(messages)
        if model is None or (await self._services.ledger.state()).is_near_limit:
            return ""
        sizer = RequestSizer(())
        result = await self._services.dispatcher.run(
            Call(
                candidates=(
                    Candidate(
                        model=model,
                        input_tokens=sizer.estimate(messages, model),
                        input_bound_tokens=sizer.bound(messages, model),
                    ),
                ),
                messages=messages,
                router=self._router().name,
                session_id=self._session_id,
                project=self._project,
                purpose="title",
                tag=self._services.tag or "title",
                output_tokens=_OUTPUT_TOKENS,
                max_cost_usd=MOST_USD,
            ),
            _hear_nothing,
        )
        return words_of(result.reply.message.text)

    def _cheapest(self, messages: tuple[Message, ...]) -> ModelInfo | None:
        """Choose among the router's models; None if none has a price that is low enough."""
        bound = RequestSizer(())
        priced: list[tuple[Decimal, ModelId]] = []
        tiers = self._router().tiers.values()
        for model_id in dict.fromkeys(one for tier in tiers for one in tier):
            model = self._services.models[model_id]
            if model.price is None or model.provider not in self._services.usable:
                continue
            worst = worst_case_usd(
                model.price,
                input_tokens=bound.bound(messages, model),
                max_output_tokens=_OUTPUT_TOKENS,
                instant=self._services.now(),
            )
            priced.append((worst, model_id))
        if not priced or min(priced)[0] > MOST_USD:
            return None
        return self._services.models[min(priced)[1]]


def words_of(reply: str) -> str:
    """Make a title of what a model said; empty if it said too much or nothing."""
    line = clean_line(title_of(reply)).strip(" \t\"'`*#.„“”«»")
    if line == UNTITLED or len(reply.split()) > _ENOUGH_WORDS:
        return ""
    with suppress(ValueError):
        line = line[: line.index("</")]
    return line.removeprefix("Title:").strip()[:_LONGEST]


async def _hear_nothing(_event: CallEvent) -> None:
    """Nobody watches this call."""
