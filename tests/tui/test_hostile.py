"""Hostile text on every surface: none of it commands the terminal, none of it ends the app."""

import asyncio
import json
import os
import pty
import re
import select
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.core.events import (
    ApprovalRequested,
    ContextAdded,
    Notice,
    RetryScheduled,
    SteeringDelivered,
    TaskProgressed,
    ToolOutputGrew,
)
from ralex.core.ids import CallId, ModelId
from ralex.core.stream import ReasoningDelta
from ralex.tui.rows import Row
from ralex.tui.widgets.transcript.items import AnyItem, ErrorItem
from tests.conftest import ROOT, SHARED
from tests.tui.fake_session import (
    FakeSession,
    Step,
    call,
    deltas,
    failed,
    opening,
    said,
)
from tests.tui.helpers import Driver, running

UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff]")
MARKUP = ("[/usr/bin] bad", "[@click=app.quit]x[/]", "[b]bold[/b] list[int] [/", "[link=x]y")
OWN = (
    "\x1b]52;c;QUJD\x07",
    "\x1b[2J\x1b[3A",
    "\x9b31m\x9d0;t\x9c",
    "\x1bP1;q\x1b\\",
    "a\u202eb\u2066c",
    "\x1b",
    "\udcff\ud800",
    "e" + "\u0301" * 500,
    "tab\tcr\rlf\nnul\x00",
)


def corpus() -> list[str]:
    path = SHARED / "security" / "terminal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines]
    return [bytes.fromhex(row["bytes_hex"]).decode("utf-8", "surrogateescape") for row in rows]


def turn_of(text: str) -> list[Step]:
    """Put a text everywhere a session can bring one from."""
    arguments = json.dumps({"command": text, text: text})
    diff = f"--- a/{text}\n+++ b/{text}\n@@ -1 +1 @@ {text}\n-{text}\n+{text}\n"
    return [
        *opening(text),
        ContextAdded(label=text, text=text),
        ReasoningDelta(text=text),
        *deltas(f"{text}\n\n```{text}\n{text}\n```\n- `{text}`\n\n| {text} | b |\n|---|---|\n"),
        said("kept"),
        *call("bash", text, output=text, summary=text, arguments=arguments, exit_code=1),
        *call("edit", text, diff=diff),
        *call(text, text, output=text, arguments=text, is_error=True, summary=text),
        Notice(level="warning", text=text),
        RetryScheduled(attempt=1, wait_s=1, next_model=ModelId(text), error=text),
        failed(text, text),
    ]


def strips(driver: Driver) -> str:
    """Draw every entry, opened, and the bars around them."""
    transcript = driver.chat.transcript
    rows: list[str] = []
    for item in transcript.items:
        item.is_open = item.can_open
        rows += [row.strip.text for row in draw(driver, item)]
    for name in ("Header", "StatusBar", "Activity", "#queue"):
        rows.append(str(driver.chat.query_one(name).render()))
    return "\n".join(rows)


def draw(driver: Driver, item: AnyItem) -> list[Row]:
    transcript = driver.chat.transcript
    return list(transcript.renderer.render(item, transcript.row_width))


@pytest.mark.parametrize("text", [*MARKUP, *OWN], ids=ascii)
async def test_no_surface_lets_hostile_text_through(text: str) -> None:
    session = FakeSession(
        scripts=[turn_of(text)], title=text, label=text, branch=text, project=text
    )
    async with running(session, size=(100, 30)) as driver:
        await driver.ready()
        await driver.send(text or "x")
        await driver.idle()
        assert UNSAFE.search(strips(driver).replace("\n", "")) is None
        assert UNSAFE.search(driver.text().replace("\n", "")) is None
        assert driver.app.is_running
        if text in MARKUP:
            assert text in driver.text() or text in strips(driver)


async def test_running_cards_show_hostile_text_harmlessly() -> None:
    texts = [*MARKUP, *OWN, *corpus()]
    script: list[Step] = [*opening("x")]
    for number, text in enumerate(texts):
        shell, task = CallId(f"bash-{number}"), CallId(f"task-{number}")
        script += [
            call("bash", text, number=str(number))[0],
            ToolOutputGrew(call_id=shell, tail=text, is_cut=True, total_bytes=9_000),
            call("task", text, number=str(number))[0],
            TaskProgressed(
                call_id=task, model=ModelId(text), steps=1, doing=text, cost_usd=Decimal(0)
            ),
            SteeringDelivered(steering_id=str(number), text=text),
        ]
    session = FakeSession(scripts=[[*script, asyncio.Event()]])
    async with running(session, size=(100, 30)) as driver:
        await driver.ready()
        await driver.send("x")
        count = 2 + 4 * len(texts)
        await driver.until(lambda: len(driver.chat.transcript.items) == count)
        assert UNSAFE.search(strips(driver).replace("\n", "")) is None
        assert UNSAFE.search(driver.text().replace("\n", "")) is None


async def test_the_whole_corpus_passes_through_one_session() -> None:
    texts = corpus()
    if not texts:
        pytest.skip("the corpus of hostile texts is not beside this checkout")
    session = FakeSession(scripts=[turn_of(text) for text in texts])
    async with running(
        session, size=(100, 30), prompts=[f"turn {n}" for n in range(len(texts))]
    ) as driver:
        await driver.idle()
        assert len(session.prompts) == len(texts)
        shown = strips(driver)
        assert UNSAFE.search(shown.replace("\n", "")) is None
        assert "test-123456789012345678901234" not in "\n".join(
            item.source for item in driver.chat.transcript.items if isinstance(item, ErrorItem)
        )


async def test_markup_in_text_is_no_button() -> None:
    session = FakeSession(scripts=[turn_of("[@click=app.quit]x[/]")])
    async with running(session, size=(100, 40)) as driver:
        await driver.ready()
        await driver.send("go")
        await driver.idle()
        for y, row in enumerate(driver.rows()):
            if "@click" in row:
                await driver.pilot.click("#transcript", offset=(row.index("x[") + 1, y))
        await driver.pilot.pause()
        assert driver.app.is_running


async def test_an_approval_shows_hostile_text_harmlessly() -> None:
    ask = ApprovalRequested(
        request_id="r",
        call_id=CallId("c"),
        name="\x1b[2J",
        title="[/x] \x1b]52;c;QQ==\x07 \u202e",
        choices=("[deny]", "allow"),
    )
    async with running(FakeSession(scripts=[[*opening("x"), ask, failed("end")]])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: len(driver.app.screen_stack) == 2)
        shown = "".join(str(each.render()) for each in driver.app.screen.query("Static"))
        assert "[/x] ␛ <U+202E>" in shown
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.answers)
        assert driver.session.answers == [("r", "[deny]")]


PTY_APP = """
import sys
sys.path[:0] = [{app!r}, {root!r}]
from tests.tui.fake_session import FakeOpener, FakeSession
from tests.tui.test_hostile import turn_of
from ralex.tui.app import RalexApp
text = "\\x1b]52;c;UFdORUQ=\\x07\\x1b]0;PWNED\\x07\\x9d52;c;UFdORUQ=\\x9c end-of-text"
session = FakeSession(scripts=[turn_of(text)], title=text)
RalexApp(FakeOpener(session), prompts=[text]).run()
"""


def test_the_bytes_a_terminal_gets_hold_no_command_of_the_text(tmp_path: Path) -> None:
    script = tmp_path / "hostile_app.py"
    script.write_text(PTY_APP.format(app=str(ROOT / "app"), root=str(ROOT)), encoding="utf-8")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS="100", LINES="40")
        os.execv(sys.executable, [sys.executable, str(script)])
    seen = bytearray()
    try:
        wanted = b"end-of-text"
        deadline = time.monotonic() + 60
        quiet_since = time.monotonic()
        while time.monotonic() < deadline:
            ready, _, _ = select.select([terminal], [], [], 0.1)
            if ready:
                try:
                    seen += os.read(terminal, 65_536)
                except OSError:
                    break
                quiet_since = time.monotonic()
            elif seen.count(wanted) >= 4 and time.monotonic() - quiet_since > 0.5:
                break
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert seen.count(wanted) >= 4, bytes(seen[-2_000:])
    for command in (b"]52;", b"]0;PWNED", "\x9d".encode()):
        assert command not in bytes(seen)
