"""A session whose ralex was killed in the middle of a call shows nothing that seems to run."""

import pytest

from ralex.core.events import AgentEvent, ToolCallFinished, ToolCallStarted, TurnStarted
from ralex.core.ids import CallId, SessionId, TurnId
from ralex.tui.widgets.transcript.items import ToolItem, ToolState
from ralex.tui.widgets.transcript.scribe import items_of


def turn(number: str) -> TurnStarted:
    return TurnStarted(session_id=SessionId("s"), turn_id=TurnId(number), prompt="go on")


def started(call_id: str) -> ToolCallStarted:
    return ToolCallStarted(call_id=CallId(call_id), name="bash", arguments_json="{}", title="make")


@pytest.mark.parametrize("after", [[], [turn("2")]], ids=["at-the-end", "before-another-turn"])
def test_a_call_without_an_end_is_shown_without_a_result(after: list[AgentEvent]) -> None:
    finished = ToolCallFinished(
        call_id=CallId("a"), name="bash", output="ok", is_error=False, summary="ok", elapsed_ms=1
    )

    items = items_of([turn("1"), started("a"), finished, started("b"), *after])

    cards = [item for item in items if isinstance(item, ToolItem)]
    assert [(card.state, card.summary) for card in cards] == [
        (ToolState.DONE, "ok"),
        (ToolState.UNKNOWN, "no result"),
    ]
