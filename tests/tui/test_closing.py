"""What follows a turn: a way on after a failure, a call to the user."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual import events

from ralex.tui.app import RalexApp
from ralex.tui.calling import call_sequence
from ralex.tui.preferences import Preferences
from ralex.tui.widgets.transcript.items import UserItem
from tests.tui.fake_session import FakeSession, Step, failed, opening
from tests.tui.helpers import running

ASK = "Refactor the checkout"


async def test_after_a_cut_reply_enter_goes_on() -> None:
    event = replace(failed("the stream of acme broke off", code="stream_cut"), steps=1, text="Half")
    script: list[Step] = [*opening(ASK), event]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send(ASK)
        await driver.idle()
        assert driver.chat.prompt.placeholder == "Enter: continue"
        await driver.pilot.press("enter")
        await driver.until(lambda: len(driver.session.prompts) == 2)
        await driver.idle()
        assert driver.session.prompts == [ASK, "continue"]
        assert driver.chat.prompt.placeholder == "Ask, or / for commands"
        await driver.pilot.press("enter")
        await driver.pilot.pause()
        assert len(driver.session.prompts) == 2


async def test_after_a_wrong_key_nothing_is_offered() -> None:
    script: list[Step] = [*opening(ASK)[:2], failed("acme does not accept the key")]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send(ASK)
        await driver.idle()
        assert driver.chat.prompt.placeholder == "Ask, or / for commands"
        items = driver.chat.transcript.items
        assert sum(isinstance(item, UserItem) for item in items) == 1


@pytest.mark.parametrize(
    ("by", "environ", "sequence"),
    [
        ("bell", {"TMUX": "x"}, "\x07"),
        ("off", {}, ""),
        ("osc9", {}, "\x1b]9;ralex: done, ok ␛x\x07"),
        ("osc777", {}, "\x1b]777;notify;ralex;done, ok ␛x\x07"),
        ("osc9", {"TMUX": "/tmp/t"}, "\x1bPtmux;\x1b\x1b]9;ralex: done, ok ␛x\x07\x1b\\"),
    ],
)
def test_a_call_is_one_sequence_whatever_is_in_its_text(
    by: str, environ: dict[str, str], sequence: str
) -> None:
    assert call_sequence(by, "done; ok\n\x1b]52;c;QUJD\x07x\x1b[2J", environ) == sequence


def test_a_call_is_short_and_holds_no_key() -> None:
    sequence = call_sequence("osc9", "sk-abcdefghijklmnop " + "x" * 500, {})
    assert len(sequence) < 200
    assert "abcdefgh" not in sequence


@pytest.mark.parametrize(
    ("seconds", "sees", "focused", "calls"),
    [
        (30, "blur", False, True),
        (30, "focus", False, False),
        (30, "focus", True, True),
        (30, "", False, True),
        (5, "blur", False, False),
    ],
    ids=["away", "looking", "looking, wished", "unknown", "short"],
)
async def test_the_user_is_called_when_a_long_turn_ends_and_nobody_looks(
    seconds: float,
    sees: str,
    focused: bool,
    calls: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wish = Preferences(notify_by="osc9", notify_focused=focused)
    wrote: list[str] = []
    async with running(preferences=wish) as driver:
        await driver.ready()
        monkeypatch.delenv("TMUX", raising=False)
        monkeypatch.setattr(RalexApp, "is_headless", False)
        monkeypatch.setattr(driver.app._driver, "write", wrote.append)
        if sees:
            event = events.AppBlur() if sees == "blur" else events.AppFocus()
            driver.app.post_message(event)
            await driver.pilot.pause()
        driver.chat.closer.call("done: it", elapsed_s=seconds)
        monkeypatch.undo()
    assert [text for text in wrote if "]9;" in text] == (
        ["\x1b]9;ralex: done: it\x07"] if calls else []
    )
