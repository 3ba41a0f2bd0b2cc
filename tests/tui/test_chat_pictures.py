"""Pictures of the chat while things happen in it."""

import asyncio
from decimal import Decimal

from textual.pilot import Pilot
from textual.widgets import Static

from ralex.core.events import TaskProgressed, ToolOutputGrew
from ralex.core.ids import CallId
from ralex.tui.widgets.transcript.items import ToolItem
from tests.tui.fake_session import CHEAP, FakeSession, Step, call, opening
from tests.tui.test_pictures import (
    ASK,
    SIZES,
    TESTS,
    THEMES,
    Compare,
    chat_of,
    done,
    ralex,
    ready,
    until,
    work,
)

PRINTED = """============================= test session starts ==============================
collected 214 items

tests/test_cart.py .......................................               [ 18 %]
tests/test_checkout.py .........F
"""


def under_way() -> list[Step]:
    look, find, run = (
        call("task", "Where are discount codes checked?", number="1")[0],
        call("task", "Which tests cover the checkout?", number="2")[0],
        call("bash", "pytest -q", arguments=TESTS)[0],
    )

    def progress(number: int, doing: str, cost: str) -> TaskProgressed:
        return TaskProgressed(
            call_id=CallId(f"task-{number}"),
            model=CHEAP,
            steps=2,
            doing=doing,
            cost_usd=Decimal(cost),
        )

    return [
        *opening(ASK),
        look,
        find,
        progress(1, "grep discount src", "0.0012"),
        progress(2, "thinking", "0.0004"),
        progress(1, "read src/checkout.py", "0.0019"),
        run,
        ToolOutputGrew(call_id=CallId("bash-1"), tail=PRINTED, is_cut=True, total_bytes=9_000),
        asyncio.Event(),
    ]


@THEMES
@SIZES
def test_running(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        transcript = chat_of(pilot).transcript
        await until(
            pilot,
            lambda: isinstance(last := transcript.newest(ToolItem), ToolItem) and last.output,
        )
        for item in transcript.items:
            if isinstance(item, ToolItem) and item.call_id != "task-2":
                item.running_s = 12
                transcript.toggle_item(item)

    app = ralex(FakeSession(scripts=[under_way()]), theme=theme, prompt=ASK)
    assert snap_compare(app, terminal_size=size, run_before=opened)


@THEMES
@SIZES
def test_search(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def sought(pilot: Pilot[None]) -> None:
        await done(pilot)
        await chat_of(pilot).open_search("code")
        await until(pilot, lambda: "/" in str(chat_of(pilot).query_one("#place", Static).render()))
        await pilot.press("enter", "enter")

    app = ralex(FakeSession(scripts=[work()]), theme=theme, prompt=ASK)
    assert snap_compare(app, terminal_size=size, run_before=sought)
