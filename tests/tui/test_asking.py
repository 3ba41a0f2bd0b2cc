"""The user's word: approvals with what they would allow, questions, denials with a reason."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from ralex.core.events import ApprovalRequested, QuestionAsked
from ralex.core.ids import CallId
from ralex.tui.screens.dialogs.approval import ApprovalScreen
from ralex.tui.screens.dialogs.question import QuestionScreen
from ralex.tui.screens.dialogs.subject import subject
from tests.tui.fake_session import FakeSession, opening
from tests.tui.helpers import Driver, running
from tests.tui.test_pictures import SIZES, THEMES, Compare, ralex, ready, until

COMMAND = "git commit -am 'Add discount codes' &&\n  git push --force origin main"
EDIT = {
    "path": "src/checkout.py",
    "old": "    result = sum(prices)\n    return result\n",
    "new": "    result = sum(prices)\n    return max(Decimal(0), result)\n",
}


def approval(
    name: str = "bash",
    title: str = "git commit -am 'Add discount codes' && …",
    arguments: object = None,
    pattern: str = "bash(git commit *), bash(git push *)",
) -> ApprovalRequested:
    given = {"command": COMMAND} if arguments is None else arguments
    return ApprovalRequested(
        request_id="r1",
        call_id=CallId("c"),
        name=name,
        title=title,
        choices=("deny", "allow", "always") if pattern else ("deny", "allow"),
        pattern=pattern,
        reason="the mode ask",
        arguments_json=json.dumps(given),
    )


def question(*options: str, text: str = "Which database should the tests use?") -> QuestionAsked:
    return QuestionAsked(request_id="q1", call_id=CallId("c"), question=text, options=options)


@asynccontextmanager
async def asking(
    event: ApprovalRequested | QuestionAsked, size: tuple[int, int] = (80, 24)
) -> AsyncGenerator[Driver, None]:
    session = FakeSession(scripts=[[*opening("x"), event, asyncio.Event()]])
    async with running(session, size=size) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: len(driver.app.screen_stack) == 2)
        yield driver


def words(driver: Driver) -> str:
    return "\n".join(str(one.content) for one in driver.app.screen.query(Static))


async def answered(driver: Driver) -> tuple[str, str]:
    await driver.until(lambda: driver.session.answers)
    return driver.session.answers[0][1], driver.session.messages[0]


async def test_the_whole_command_and_the_reason_are_shown() -> None:
    async with asking(approval()) as driver:
        assert "git push --force origin main" in words(driver)
        assert "asked because of the mode ask" in words(driver)


@pytest.mark.parametrize(
    ("downs", "choice"), [(0, "deny"), (1, "allow"), (2, "always")], ids=["deny", "once", "always"]
)
async def test_each_choice_is_given_back_and_the_first_is_harmless(downs: int, choice: str) -> None:
    async with asking(approval()) as driver:
        options = driver.app.screen.query_one(OptionList)
        assert "bash(git push *)" in str(options.options[2].prompt)
        await driver.pilot.press(*["down"] * downs, "enter")
        assert await answered(driver) == (choice, "")


async def test_a_denial_takes_a_message_along() -> None:
    async with asking(approval()) as driver:
        await driver.pilot.press("down", "down", "down", "enter")
        assert isinstance(driver.app.focused, Input)
        await driver.type("use rebase")
        await driver.pilot.press("enter")
        assert await answered(driver) == ("deny", "use rebase")


def says(driver: Driver) -> str:
    return str(driver.app.screen.query_one(".dialog").border_subtitle)


async def test_escape_leaves_the_message_first_and_then_denies() -> None:
    async with asking(approval()) as driver:
        assert says(driver) == "Enter chooses · Esc denies"
        await driver.pilot.press("down", "down", "down", "enter")
        assert says(driver) == "Enter denies · Esc goes back"
        await driver.pilot.press("a", "escape")
        assert isinstance(driver.app.screen, ApprovalScreen)
        assert says(driver) == "Enter chooses · Esc denies"
        await driver.pilot.press("escape")
        assert await answered(driver) == ("deny", "")


async def test_letters_typed_when_it_comes_up_decide_nothing() -> None:
    async with asking(approval()) as driver:
        await driver.pilot.press("y", "a", "space", "1")
        assert driver.session.answers == []


async def test_a_click_chooses() -> None:
    async with asking(approval()) as driver:
        await driver.pilot.click(OptionList, offset=(2, 1))
        assert await answered(driver) == ("allow", "")


async def test_a_very_long_command_leaves_the_choices_in_sight() -> None:
    long = {"command": "\n".join(f"echo {number}" for number in range(5_000))}
    async with asking(approval(arguments=long), size=(60, 15)) as driver:
        options = driver.app.screen.query_one(OptionList)
        assert options.region.bottom <= 15
        assert options.region.height >= len(options.options)
        await driver.pilot.press("pagedown", "down", "enter")
        assert await answered(driver) == ("allow", "")


async def test_a_long_command_is_seen_from_its_start_on_a_small_screen() -> None:
    command = "git push --force origin main && rm -rf build"
    pattern = "bash(git push *), bash(rm -rf build)"
    async with asking(approval("bash", command, {"command": command}, pattern), (60, 15)) as driver:
        top = driver.app.screen.query_one(".question")
        assert top.region.y >= 1
        assert top.region.height == 1
        assert words(driver).count("git push --force") == 1


def test_a_change_is_shown_as_what_goes_and_what_comes() -> None:
    text = subject("edit", json.dumps(EDIT)).plain
    assert "-     return result" in text
    assert "+     return max(Decimal(0), result)" in text
    assert "+ whole" in subject("write", '{"path": "a", "content": "whole"}').plain
    whole = subject("write", json.dumps({"path": "a", "content": "one\ntwo\n"}))
    assert whole.plain == "+ one\n+ two", "the last newline ends a line and begins none"
    assert subject("web_fetch", '{"url": "http://x"}').plain == "url  http://x"
    assert subject("odd", "not json").plain == "arguments  not json"
    assert subject("none", "{}").plain == ""


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (("down", "enter"), "SQLite"),
        (("down", "down", "enter"), "Postgres"),
        (("up", "enter"), "Postgres"),
        (("m", "y", "enter"), "my"),
        (("down", "m", "enter"), "m"),
        (("escape",), ""),
    ],
    ids=["first", "second", "from below", "own words", "words win", "none"],
)
async def test_a_question_takes_an_option_or_own_words(keys: tuple[str, ...], answer: str) -> None:
    async with asking(question("SQLite", "Postgres")) as driver:
        assert isinstance(driver.app.screen, QuestionScreen)
        await driver.pilot.press("enter")
        assert driver.session.answers == []
        await driver.pilot.press(*keys)
        assert (await answered(driver))[0] == answer


async def test_a_question_without_options_and_a_click_on_one() -> None:
    async with asking(question(text="Why?\n" * 60), size=(60, 15)) as driver:
        assert driver.app.screen.query_one(Input).region.bottom <= 15
        await driver.type("so")
        await driver.pilot.press("enter")
        assert (await answered(driver))[0] == "so"
    async with asking(question("a", "b")) as driver:
        await driver.pilot.click(OptionList, offset=(1, 1))
        assert (await answered(driver))[0] == "b"


async def asked(pilot: Pilot[None]) -> None:
    await ready(pilot)
    await until(pilot, lambda: len(pilot.app.screen_stack) == 2)


@THEMES
@SIZES
def test_picture_of_a_command(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    session = FakeSession(scripts=[[*opening("x"), approval(), asyncio.Event()]])
    app = ralex(session, theme=theme, prompt="x")
    assert snap_compare(app, terminal_size=size, run_before=asked)


@THEMES
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)], ids=["60x15", "80x24", "120x40"])
def test_picture_of_a_change(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    event = approval("edit", "src/checkout.py", EDIT, "edit(src/**)")
    session = FakeSession(scripts=[[*opening("x"), event, asyncio.Event()]])
    app = ralex(session, theme=theme, prompt="x")
    assert snap_compare(app, terminal_size=size, run_before=asked)


@THEMES
@SIZES
def test_picture_of_a_question(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    event = question("SQLite in memory", "Postgres in a container", "The one in CI")
    session = FakeSession(scripts=[[*opening("x"), event, asyncio.Event()]])
    app = ralex(session, theme=theme, prompt="x")
    assert snap_compare(app, terminal_size=size, run_before=asked)
