"""The prompt: lines, history, pastes and completion."""

import subprocess
from pathlib import Path

import pytest
from textual import events

from ralex.slash import COMMANDS, find_command, matching, nearest_name, ranked, read_command
from ralex.tui.files import project_files
from ralex.tui.screens.chat.runner import CommandRunner
from ralex.tui.widgets.completion.completion import Completion
from tests.tui.fake_session import FakeSession
from tests.tui.helpers import Driver, running


def listed(driver: Driver) -> list[str]:
    shown = [each for each in driver.chat.query(Completion) if each.is_open]
    return [str(option.prompt).split("  ")[0] for each in shown for option in each.options]


async def test_the_list_over_the_prompt_is_made_when_it_is_first_wanted() -> None:
    async with running(size=(80, 24)) as driver:
        await driver.ready()
        await driver.pilot.resize_terminal(100, 30)
        await driver.pilot.pause()
        await driver.type("a word")
        assert not driver.chat.query(Completion)
        driver.chat.prompt.clear()
        await driver.type("/")
        assert driver.chat.query_one(Completion).choice is not None


async def paste(driver: Driver, text: str) -> None:
    driver.app.post_message(events.Paste(text))
    await driver.pilot.pause()
    await driver.pilot.pause()


@pytest.mark.parametrize("key", ["shift+enter", "ctrl+j"])
async def test_a_key_for_a_new_line_does_not_send(key: str) -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("a")
        await driver.pilot.press(key)
        await driver.type("b")
        assert driver.chat.prompt.text == "a\nb"
        await driver.pilot.press("enter")
        await driver.idle()
        assert driver.session.prompts == ["a\nb"]


async def test_a_backslash_before_enter_is_a_new_line() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("a")
        await driver.pilot.press("backslash", "enter")
        assert driver.chat.prompt.text == "a\n"


async def test_an_empty_prompt_is_not_sent() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("  ")
        await driver.pilot.press("enter")
        await driver.idle()
        assert driver.session.prompts == []


async def test_history_is_reached_from_the_first_and_last_row_and_keeps_the_draft() -> None:
    async with running() as driver:
        await driver.ready()
        for text in ("first", "second\nwith two lines"):
            await driver.send(text)
            await driver.idle()
        await driver.type("draft")
        prompt = driver.chat.prompt
        await driver.pilot.press("up")
        assert prompt.text == "second\nwith two lines"
        await driver.pilot.press("up")
        assert prompt.text == "second\nwith two lines"
        await driver.pilot.press("up")
        assert prompt.text == "first"
        await driver.pilot.press("up")
        assert prompt.text == "first"
        await driver.pilot.press("down", "down")
        assert prompt.text == "draft"


async def test_a_large_paste_is_a_chip_and_is_sent_whole() -> None:
    text = "line of a log\n" * 900
    async with running() as driver:
        await driver.ready()
        await driver.type("see ")
        await paste(driver, text)
        assert driver.chat.prompt.text == "see [paste 1: 13 kB]"
        await driver.pilot.press("enter")
        await driver.idle()
        assert driver.session.prompts == ["see " + text]
        assert "see [paste 1: 13 kB]" in driver.text()


async def test_a_small_paste_is_cleaned_and_inserted_once() -> None:
    async with running() as driver:
        await driver.ready()
        await paste(driver, "a\x1b[31mb\r\nc\x1b]52;c;QUJD\x07")
        assert driver.chat.prompt.text == "ab\nc␛"


async def test_a_slash_lists_commands_and_typing_narrows_the_list() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("/")
        assert listed(driver) == [command.usage for command in COMMANDS]
        await driver.type("co")
        assert listed(driver)[:2] == ["/cost", "/compact [focus]"]
        await driver.type("p")
        assert listed(driver) == ["/copy"]
        await driver.pilot.press("tab")
        assert driver.chat.prompt.text == "/copy"
        assert listed(driver) == []


async def test_the_list_stands_on_the_prompt_whatever_becomes_of_its_height() -> None:
    async with running(size=(80, 18)) as driver:
        await driver.ready()
        await driver.pilot.press("slash")
        completion = driver.chat.query_one(Completion)
        assert completion.region.bottom == driver.chat.prompt.region.y
        await driver.pilot.resize_terminal(80, 30)  # the prompt is taller now
        await driver.until(lambda: completion.region.bottom == driver.chat.prompt.region.y)
        await driver.pilot.resize_terminal(80, 15)
        await driver.until(lambda: completion.region.bottom == driver.chat.prompt.region.y)


async def test_escape_closes_the_list_and_leaves_the_text() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("/co")
        await driver.pilot.press("escape")
        assert listed(driver) == []
        assert driver.chat.prompt.text == "/co"
        await driver.type("s")
        assert listed(driver) == ["/cost"]


async def test_arguments_are_offered_with_hints() -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        await driver.type("/model d")
        assert listed(driver) == ["acme/deep-large"]
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.override)
        assert driver.session.override is not None
        assert driver.session.override.model == "acme/deep-large"


async def test_a_click_takes_a_choice() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.type("/wh")
        await driver.pilot.click("#completion", offset=(3, 0))
        assert driver.chat.prompt.text == "/why"
        assert driver.app.focused is driver.chat.prompt


async def test_at_offers_the_projects_files(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "checkout.py").write_text("", encoding="utf-8")
    (tmp_path / "README.md").write_text("", encoding="utf-8")
    async with running(FakeSession(project=str(tmp_path))) as driver:
        await driver.ready()
        await driver.type("look at ")
        await driver.pilot.press("at")
        await driver.type("che")
        await driver.until(lambda: listed(driver))
        assert listed(driver) == ["src/checkout.py"]
        await driver.pilot.press("tab")
        assert driver.chat.prompt.text == "look at @src/checkout.py "


def test_files_are_those_git_knows_where_there_is_git(tmp_path: Path) -> None:
    for name in ("kept.py", "ignored.log", ".gitignore"):
        (tmp_path / name).write_text("*.log" if name == ".gitignore" else "", encoding="utf-8")
    assert "ignored.log" in project_files(tmp_path)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert project_files(tmp_path) == [".gitignore", "kept.py"]


def test_every_command_in_the_registry_can_be_run_and_no_other() -> None:
    runner = CommandRunner(screen=None)  # type: ignore[arg-type]  # names need no screen
    assert runner.names == {command.name for command in COMMANDS}


@pytest.mark.parametrize(
    ("text", "name"),
    [("/model", "model"), ("/model x y", "model"), ("/usr/bin is gone", None), ("hi /model", None)],
)
def test_what_is_a_command(text: str, name: str | None) -> None:
    typed = read_command(text)
    assert (typed.name if typed else None) == name


def test_names_that_are_nearly_right_are_recognised() -> None:
    assert nearest_name("modle") == "model"
    assert nearest_name("qqqq") == ""
    assert find_command("modle") is None
    assert [command.name for command in matching("ui")] == ["quit"]
    assert [command.name for command in matching("re")] == ["resume", "rename", "redo"]


def test_candidates_are_ranked_by_substring_and_then_by_letters_in_order() -> None:
    names = ["src/checkout.py", "tests/test_checkout.py", "c/h/e.py", "README.md"]
    assert ranked("che", names) == ["src/checkout.py", "tests/test_checkout.py", "c/h/e.py"]
    assert ranked("", names) == names
