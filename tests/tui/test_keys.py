"""The user's own keys: they work, they take over, and help shows them."""

import asyncio

import pytest
from textual.binding import Binding

from ralex.core.keys import KEY_ACTIONS
from ralex.tui.keymap import NO_KEY, prompt_keys, screen_keymap
from ralex.tui.preferences import Preferences
from ralex.tui.screens.budget.screen import BudgetScreen
from ralex.tui.screens.chat.screen import ChatScreen
from ralex.tui.screens.dialogs.help import HelpScreen
from ralex.tui.widgets.activity.activity import Activity
from ralex.tui.widgets.transcript.view import Transcript
from tests.tui.fake_session import FakeSession, opening
from tests.tui.helpers import running


def test_every_action_of_the_screen_exists() -> None:
    for binding in ChatScreen.BINDINGS:
        name = str(getattr(binding, "action", "")).partition("(")[0]
        assert hasattr(ChatScreen, f"action_{name}"), name


def test_an_action_without_keys_has_one_that_is_never_typed() -> None:
    keymap = screen_keymap({"help": ("ctrl+f",), "suspend": ()})
    assert keymap["help"] == "ctrl+f"
    assert keymap["search"] == keymap["suspend"] == NO_KEY
    assert set(keymap) == {action.name for action in KEY_ACTIONS if not action.in_prompt}
    assert screen_keymap({}) == {}


def test_keys_of_the_prompt_follow_the_user() -> None:
    keys = prompt_keys({"send": ("ctrl+s",), "newline": ("enter",)})
    assert keys["ctrl+s"] == "send"
    assert keys["enter"] == "newline"
    assert "ctrl+j" not in keys


async def test_a_key_of_the_users_works_and_the_default_does_not() -> None:
    chosen = Preferences(keys={"budget": ("f5", "ctrl+b")})
    async with running(preferences=chosen) as driver:
        await driver.ready()
        await driver.pilot.press("f2")
        assert driver.app.screen is driver.chat
        for key in ("f5", "ctrl+b"):
            await driver.pilot.press(key)
            await driver.until(lambda: isinstance(driver.app.screen, BudgetScreen))
            await driver.pilot.press("escape")
            await driver.until(lambda: driver.app.screen is driver.chat)


async def test_a_key_taken_from_another_action_does_the_new_thing() -> None:
    async with running(preferences=Preferences(keys={"help": ("f2",)})) as driver:
        await driver.ready()
        await driver.pilot.press("f2")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))


async def test_enter_can_be_a_new_line_and_another_key_send() -> None:
    chosen = Preferences(keys={"send": ("ctrl+s",), "newline": ("enter",)})
    async with running(preferences=chosen) as driver:
        await driver.ready()
        await driver.type("a")
        await driver.pilot.press("enter")
        await driver.type("b")
        await driver.pilot.press("ctrl+s")
        await driver.idle()
        assert driver.session.prompts == ["a\nb"]


async def test_help_shows_the_keys_that_are_real() -> None:
    async with running(preferences=Preferences(keys={"budget": ("f5",)}), size=(80, 60)) as driver:
        await driver.ready()
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        text = str(driver.app.screen.query_one("#keys").render())
        assert "F5" in text
        assert "Ctrl+R" in text
        assert "F2" not in text


async def test_help_tells_what_begins_a_prompt_and_the_keys_of_the_transcript(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bindings = [*Transcript.BINDINGS, Binding("x", "copy_item", "Something new", show=False)]
    monkeypatch.setattr(Transcript, "BINDINGS", bindings)
    async with running(size=(80, 60)) as driver:
        await driver.ready()
        await driver.pilot.press("f1")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        text = str(driver.app.screen.query_one("#keys").render())
    lines = [" ".join(line.split()) for line in text.splitlines()]
    starts = {line.split(" ")[0] for line in lines}
    assert {"/", "@", "!", "!!"} <= starts
    assert "Enter, Space Open or close the entry" in lines
    assert "c Copy the entry" in lines
    assert "x Something new" in lines


async def test_hints_name_the_keys_that_are_real() -> None:
    chosen = Preferences(
        keys={"help": ("f5",), "budget": ("ctrl+b",), "interrupt": ("ctrl+x",), "newline": ()}
    )
    script = [*opening("x"), asyncio.Event()]
    async with running(FakeSession(scripts=[script]), preferences=chosen) as driver:
        await driver.ready()
        rows = [row.split(maxsplit=1) for row in driver.rows() if row]
        assert ["Enter", "send"] in rows
        assert ["F5", "help"] in rows
        assert ["Ctrl+B", "today's money"] in rows
        assert ["Ctrl+X", "stop what runs; nothing is lost"] in rows
        await driver.send("x")
        await driver.until(lambda: driver.chat.is_turn_running)
        activity = driver.chat.query_one(Activity)
        await driver.until(lambda: "Ctrl+X to stop" in str(activity.render()))
        await driver.send("/undo")
        await driver.until(lambda: "stop it with Ctrl+X first" in driver.text())


def test_what_stops_is_named_by_the_key_that_is_left() -> None:
    assert Preferences().stop_key == "Esc"
    assert Preferences(keys={"interrupt": ()}).stop_key == "Ctrl+C"
    assert Preferences(keys={"interrupt": (), "copy_or_stop": ()}).stop_key == ""


@pytest.mark.parametrize("place", ["chat", "dialog"])
async def test_leaving_stops_what_runs_wherever_the_key_is_pressed(place: str) -> None:
    session = FakeSession(scripts=[[*opening("x"), asyncio.Event()]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: driver.chat.is_turn_running)
        if place == "dialog":
            await driver.pilot.press("f1")
            await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        await driver.pilot.press("ctrl+q")
        await driver.until(lambda: driver.app.return_code == 0)
        assert session.interrupted == 1


async def test_the_default_key_to_leave_is_free_for_something_else() -> None:
    chosen = Preferences(keys={"leave": ("ctrl+x",), "help": ("ctrl+q",)})
    async with running(preferences=chosen) as driver:
        await driver.ready()
        await driver.pilot.press("ctrl+q")
        await driver.until(lambda: isinstance(driver.app.screen, HelpScreen))
        await driver.pilot.press("ctrl+x")
        await driver.until(lambda: driver.app.return_code == 0)
