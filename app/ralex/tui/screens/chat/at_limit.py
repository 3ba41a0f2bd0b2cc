"""What happens when a limit refuses a call: the user is told, and decides what it is worth."""

from decimal import Decimal
from typing import TYPE_CHECKING

from ralex.core.budget import BudgetState
from ralex.core.events import TurnFailed
from ralex.core.routing import Override
from ralex.core.tiers import TIERS, Tier
from ralex.errors import RalexError
from ralex.tui import formats
from ralex.tui.screens.dialogs.limit import LimitScreen
from ralex.tui.widgets.transcript.items import NoticeItem

if TYPE_CHECKING:
    from ralex.tui.ports import ChatSession
    from ralex.tui.screens.chat.screen import ChatScreen

CODE = "budget_exceeded"


async def ask_at_limit(
    screen: "ChatScreen", session: "ChatSession", event: TurnFailed, prompt: str
) -> None:
    """Offer more money for today, a cheaper tier or the panel; the prompt waits in the input.

    After steps that were paid for, the word to go on waits there instead.
    """
    tier = cheapest_tier(session)
    model = session.router.tiers[tier][0] if tier is not None else ""
    can_cheaper = bool(model) and model != event.model
    choice = await screen.host.push_screen_wait(
        LimitScreen(
            event.message,
            limit=_own_limit(event.budget) if "of today's" in event.message else None,
            cheaper=formats.short_model(model) if can_cheaper else "",
        )
    )
    if not screen.prompt.text:
        screen.prompt.put_back("continue" if event.steps else prompt)
    try:
        match choice.way:
            case "raise":
                state = await session.raise_today(choice.usd)
                text = f"Today may cost {formats.usd_cents(state.limit_usd or choice.usd)} now."
                screen.show(NoticeItem(level="info", text=f"{text} Enter goes on."))
            case "cheaper":
                session.set_override(Override(tier=tier, for_task=True))
                text = f"{formats.short_model(model)} answers for this task."
                screen.show(NoticeItem(level="info", text=f"{text} Enter goes on."))
            case "panel":
                screen.action_budget()
            case "stop":
                pass
    except RalexError as error:
        screen.show_error(error.message, error.hint)
    await screen.conversation.read_budget()
    screen.show_session()


def _own_limit(budget: BudgetState | None) -> Decimal:
    """Give today's limit without what was allowed on top of it today."""
    return Decimal(0) if budget is None else (budget.limit_usd or Decimal(0)) - budget.raised_usd


def cheapest_tier(session: "ChatSession") -> Tier | None:
    """Name the lowest tier of the router that has a model."""
    return next((tier for tier in TIERS if session.router.tiers.get(tier)), None)
