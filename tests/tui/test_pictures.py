"""Pictures of every state, to be looked at when one changes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import pytest
from textual.app import App
from textual.pilot import Pilot

from ralex.core.stream import ReasoningDelta
from ralex.tui.app import RalexApp
from ralex.tui.screens.chat.screen import ChatScreen
from ralex.tui.widgets.status.status import StatusBar
from ralex.tui.widgets.transcript.items import RouteItem, ToolItem, ToolState
from ralex.undo.model import Conflict, UndoReport
from tests.tui.fake_session import (
    FakeOpener,
    FakeSession,
    Step,
    call,
    deltas,
    failed,
    finished,
    opening,
    said,
    step_finished,
)

ASK = "Add a discount code field to the checkout and test it"
ANSWER = """The field is in. **Two files** changed:

- `src/checkout.py`: `total` takes a code and never goes below zero
- `tests/test_checkout.py`: three cases, one of them an expired code

```python
def discount(code: str, total: Decimal) -> Decimal:
    \"\"\"Return what a code takes off a total.\"\"\"
    rule = RULES.get(code)
    return Decimal(0) if rule is None else total * rule.share
```

| code | share | until |
|---|---:|---|
| SPRING | 10 % | April |
| FRIEND | 25 % | open |

> Codes are compared as typed; say so if they should ignore case.
"""
DIFF = """--- a/src/checkout.py
+++ b/src/checkout.py
@@ -12,5 +12,7 @@ class Item:
 def total(cart: Cart, code: str | None = None) -> Decimal:
     \"\"\"Sum the cart.\"\"\"
     result = sum(item.price for item in cart.items)
-    return result
+    if code is not None:
+        result -= discount(code, result)
+    return max(Decimal(0), result)

"""
TESTS = '{"command": "pytest -q tests/test_checkout.py"}'


class Compare(Protocol):
    """Compares the app with its stored picture."""

    def __call__(
        self,
        app: App[None],
        *,
        terminal_size: tuple[int, int] = ...,
        run_before: Callable[[Pilot[None]], Awaitable[None]] | None = ...,
    ) -> bool: ...


def work() -> list[Step]:
    run = "pytest -q tests/test_checkout.py"
    return [
        *opening(ASK),
        ReasoningDelta(text="The total is computed in one place, so the code belongs there."),
        *deltas("I'll look at the checkout first."),
        said("I'll look at the checkout first."),
        *call("read", "src/checkout.py", summary="120 lines", output="x\n" * 120),
        *call("edit", "src/checkout.py", diff=DIFF, summary="1 edit"),
        *call(
            "bash",
            run,
            arguments=TESTS,
            output="..F\n1 failed, 2 passed",
            exit_code=1,
            is_error=True,
            summary="exit 1 · 0.4 s",
            number="1",
        ),
        *call(
            "bash",
            run,
            arguments=TESTS,
            output="...\n3 passed in 0.12s",
            exit_code=0,
            summary="exit 0 · 0.4 s",
            number="2",
        ),
        *deltas(ANSWER),
        said(ANSWER),
        step_finished(),
        finished(ANSWER),
    ]


def ralex(session: FakeSession, *, theme: str = "ralex-dark", prompt: str = "") -> RalexApp:
    return RalexApp(
        FakeOpener(session),
        theme=theme,
        prompts=[prompt] if prompt else [],
        clock=lambda: 0.0,
        is_still=True,
    )


def chat_of(pilot: Pilot[None]) -> ChatScreen:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, ChatScreen)
    return screen


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause()
            await asyncio.sleep(0.002)
    for _ in range(3):
        await pilot.pause()


async def ready(pilot: Pilot[None]) -> None:
    await until(pilot, lambda: chat_of(pilot).query_one(StatusBar).status.budget is not None)


async def done(pilot: Pilot[None]) -> None:
    await ready(pilot)
    chat = chat_of(pilot)
    await until(pilot, lambda: not chat.is_turn_running and not chat.conversation.queue)


SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
THEMES = pytest.mark.parametrize("theme", ["ralex-dark", "ralex-light"])


@THEMES
@SIZES
def test_empty(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(ralex(FakeSession(), theme=theme), terminal_size=size, run_before=ready)


@THEMES
@SIZES
def test_finished_turn(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    app = ralex(FakeSession(scripts=[work()]), theme=theme, prompt=ASK)
    assert snap_compare(app, terminal_size=size, run_before=done)


@THEMES
def test_everything_open(snap_compare: Compare, theme: str) -> None:
    async def open_all(pilot: Pilot[None]) -> None:
        await done(pilot)
        transcript = chat_of(pilot).transcript
        for item in transcript.items:
            is_wanted = isinstance(item, RouteItem) or (
                isinstance(item, ToolItem) and (item.diff or item.state is ToolState.FAILED)
            )
            if is_wanted:
                transcript.toggle_item(item)
        await pilot.pause()
        transcript.scroll_to(y=0, animate=False)
        await pilot.pause()

    app = ralex(FakeSession(scripts=[work()]), theme=theme, prompt=ASK)
    assert snap_compare(app, terminal_size=(120, 50), run_before=open_all)


@THEMES
def test_diff_side_by_side(snap_compare: Compare, theme: str) -> None:
    async def open_diff(pilot: Pilot[None]) -> None:
        await done(pilot)
        transcript = chat_of(pilot).transcript
        for item in transcript.items:
            if isinstance(item, ToolItem) and item.diff:
                transcript.toggle_item(item)
        await pilot.pause()

    app = ralex(FakeSession(scripts=[work()]), theme=theme, prompt=ASK)
    assert snap_compare(app, terminal_size=(180, 44), run_before=open_diff)


@THEMES
@SIZES
def test_streaming(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    script: list[Step] = [*opening(ASK), *deltas(ANSWER[:420]), asyncio.Event()]

    async def arrived(pilot: Pilot[None]) -> None:
        await ready(pilot)
        transcript = chat_of(pilot).transcript
        await until(
            pilot,
            lambda: transcript.items and transcript.items[-1].source == ANSWER[:420],
        )

    session = FakeSession(scripts=[script], label="DEMO · simulated prices")
    assert snap_compare(
        ralex(session, theme=theme, prompt=ASK), terminal_size=size, run_before=arrived
    )


@THEMES
@SIZES
def test_budget_panel(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await pilot.press("f2")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)

    assert snap_compare(ralex(FakeSession(), theme=theme), terminal_size=size, run_before=opened)


@THEMES
@SIZES
def test_completion(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def typed(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await pilot.press("slash")

    assert snap_compare(ralex(FakeSession(), theme=theme), terminal_size=size, run_before=typed)


def test_narrow(snap_compare: Compare) -> None:
    app = ralex(FakeSession(scripts=[work()]), prompt=ASK)
    assert snap_compare(app, terminal_size=(60, 15), run_before=done)


@THEMES
@SIZES
def test_error(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    script: list[Step] = [
        *opening(ASK)[:2],
        failed("acme does not accept the key (401)", "set ACME_KEY, or choose another provider"),
    ]
    app = ralex(FakeSession(scripts=[script]), theme=theme, prompt=ASK)
    assert snap_compare(app, terminal_size=size, run_before=done)


@THEMES
@SIZES
def test_help(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await pilot.press("f1")

    assert snap_compare(ralex(FakeSession(), theme=theme), terminal_size=size, run_before=opened)


@THEMES
@SIZES
def test_reports_of_work(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    report = UndoReport(
        turn_id="t1",
        restored=("src/checkout.py", "tests/test_checkout.py"),
        conflicts=(Conflict(path="README.md", reason="changed since"),),
    )
    session = FakeSession(undos=[report], diffs={"session": DIFF})

    async def asked(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat = chat_of(pilot)
        for number, command in enumerate(("/context", "/undo"), start=1):
            chat.prompt.put(command)
            chat.prompt.submit()
            await until(
                pilot,
                lambda number=number: (
                    len(chat.transcript.items) == number and not chat.is_turn_running
                ),
            )

    assert snap_compare(ralex(session, theme=theme), terminal_size=size, run_before=asked)


@THEMES
@SIZES
def test_queued(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def waiting(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat = chat_of(pilot)
        for text in (ASK, "and do not forget the changelog", "use Decimal"):
            chat.prompt.put(text)
            chat.prompt.submit()
            await until(pilot, lambda: chat.is_turn_running)
        await until(pilot, lambda: len(chat.conversation.waiting) == 2)

    session = FakeSession(scripts=[[*opening(ASK), asyncio.Event()]])
    assert snap_compare(ralex(session, theme=theme), terminal_size=size, run_before=waiting)


@pytest.mark.parametrize("theme", ["ansi", "contrast", "ember", "fjord", "moss", "paper"])
def test_every_other_theme(snap_compare: Compare, theme: str) -> None:
    async def open_some(pilot: Pilot[None]) -> None:
        await done(pilot)
        transcript = chat_of(pilot).transcript
        for item in transcript.items:
            if isinstance(item, RouteItem) or (isinstance(item, ToolItem) and item.diff):
                transcript.toggle_item(item)
        await pilot.pause()
        transcript.scroll_to(y=0, animate=False)
        await pilot.pause()

    app = ralex(FakeSession(scripts=[work()]), theme=theme, prompt=ASK)
    assert snap_compare(app, terminal_size=(100, 46), run_before=open_some)
