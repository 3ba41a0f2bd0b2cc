"""Prompts of earlier runs: kept for one project, bounded, found again, shared by processes."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from ralex.tui.past import LONGEST_ENTRY, MOST_BYTES, MOST_ENTRIES, PastPrompts, history_path
from ralex.tui.screens.history.screen import HistoryScreen
from tests.conftest import ROOT
from tests.tui.fake_session import FakeSession
from tests.tui.helpers import Driver, running


@pytest.fixture
def past(tmp_path: Path) -> PastPrompts:
    return PastPrompts(history_path(tmp_path, "/home/ada/shop"))


def test_prompts_of_many_lines_come_back_in_order_each_where_it_was_sent_last(
    past: PastPrompts,
) -> None:
    for text in ("one", "two\nlines", "one", "ünï ⏎ 漢字"):
        past.append(text)
    assert past.read() == ["two\nlines", "one", "ünï ⏎ 漢字"]


def test_the_file_is_its_owners_only_whatever_the_umask(past: PastPrompts, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        past.append("secret")
    finally:
        os.umask(before)
    path = history_path(tmp_path, "/home/ada/shop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_each_project_has_its_own_file(tmp_path: Path) -> None:
    names = {history_path(tmp_path, path).name for path in ("/a/shop", "/b/shop", "/", "/a/漢字")}
    assert len(names) == 4
    assert all(name.isascii() and "/" not in name for name in names)


def test_lines_that_are_not_ours_are_skipped_and_a_torn_end_costs_only_itself(
    past: PastPrompts, tmp_path: Path
) -> None:
    path = history_path(tmp_path, "/home/ada/shop")
    past.append("good")
    with path.open("ab") as file:
        file.write(
            b'[1]\n{"text": 5}\n\xff\xfe\n{"text": " "}\n' + b"[" * 9_000 + b'\n{"at": 1, "te'
        )
    past.append("after")
    assert past.read() == ["good", "after"]


def test_what_a_terminal_would_obey_is_taken_out(past: PastPrompts) -> None:
    past.append("a\x1b]52;c;QUJD\x07b")
    assert past.read() == ["a␛b"]


def test_the_file_stays_bounded_and_keeps_the_newest(past: PastPrompts, tmp_path: Path) -> None:
    path = history_path(tmp_path, "/home/ada/shop")
    path.parent.mkdir(parents=True)
    lines = [json.dumps({"at": 1, "text": f"prompt {n} " + "x" * 400}) for n in range(2_500)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    past.append("newest")
    kept = past.read()
    assert path.stat().st_size <= MOST_BYTES
    assert kept[-1] == "newest"
    assert kept[-2].startswith("prompt 2499 ")
    assert len(kept) <= MOST_ENTRIES
    assert list(path.parent.iterdir()) == [path]
    past.append("y" * (LONGEST_ENTRY + 1))
    assert past.read()[-1] == "newest"


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history" / "p.jsonl"
    code = (
        "import sys; from pathlib import Path; from ralex.tui.past import PastPrompts\n"
        "past = PastPrompts(Path(sys.argv[1]))\n"
        "for n in range(60): past.append(f'{sys.argv[2]}-{n} ' + 'x' * 3000)\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], cwd=ROOT / "app")
        for name in ("a", "b")
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    got = [text.split()[0] for text in PastPrompts(path).read()]
    assert sorted(got) == sorted(f"{name}-{n}" for name in "ab" for n in range(60))
    assert [one for one in got if one[0] == "a"] == [f"a-{n}" for n in range(60)]


def test_a_link_in_the_files_place_is_not_followed(past: PastPrompts, tmp_path: Path) -> None:
    path = history_path(tmp_path, "/home/ada/shop")
    path.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("kept", encoding="utf-8")
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic"):
        past.append("x")
    assert victim.read_text(encoding="utf-8") == "kept"


async def sent(driver: Driver, *texts: str) -> None:
    for text in texts:
        await driver.send(text)
        await driver.idle()


async def searching(driver: Driver) -> HistoryScreen:
    await driver.pilot.press("ctrl+r")
    await driver.until(lambda: isinstance(driver.app.screen, HistoryScreen))
    screen = driver.app.screen
    assert isinstance(screen, HistoryScreen)
    return screen


def rows(screen: HistoryScreen) -> list[str]:
    return [str(option.prompt) for option in screen.query_one(OptionList).options]


async def test_up_goes_on_with_the_prompts_of_earlier_runs_of_the_project(tmp_path: Path) -> None:
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await sent(driver, "first", "second\nwith two lines")
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await driver.type("draft")
        await driver.pilot.press("up")
        await driver.until(lambda: driver.chat.prompt.text != "draft")
        assert driver.chat.prompt.text == "second\nwith two lines"
        await driver.pilot.press("up", "up")
        assert driver.chat.prompt.text == "first"
        await driver.pilot.press("down", "down", "down")
        assert driver.chat.prompt.text == "draft"
    async with running(FakeSession(project="/home/ada/other"), home=tmp_path) as driver:
        await driver.ready()
        await driver.type("draft")
        await driver.pilot.press("up")
        assert driver.chat.prompt.text == "draft"


async def test_nothing_is_read_before_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Path] = []
    real = PastPrompts.read

    def counted(self: PastPrompts) -> list[str]:
        reads.append(tmp_path)
        return real(self)

    monkeypatch.setattr(PastPrompts, "read", counted)
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await sent(driver, "first")
        assert reads == []
        await driver.pilot.press("up")
        await driver.until(lambda: driver.chat.prompt.text)
        assert len(reads) == 1


async def test_a_search_finds_all_words_and_puts_the_prompt_in_without_sending_it(
    tmp_path: Path,
) -> None:
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await sent(driver, "fix the parser\nand test it", "explain the lexer", "fix the lexer")
        screen = await searching(driver)
        assert rows(screen) == [
            "fix the parser ⏎ and test it",
            "explain the lexer",
            "fix the lexer",
        ]
        await driver.type("the fix")
        assert rows(screen) == ["fix the parser ⏎ and test it", "fix the lexer"]
        await driver.pilot.press("ctrl+r")
        whole = screen.query_one("#whole", Static)
        await driver.until(lambda: whole.display)
        assert str(whole.render()) == "fix the parser\nand test it"
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.chat.prompt.text)
        assert driver.chat.prompt.text == "fix the parser\nand test it"
        assert len(driver.session.prompts) == 3


async def test_a_search_begins_with_what_is_written_and_escape_leaves_that_alone(
    tmp_path: Path,
) -> None:
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await sent(driver, "fix the parser", "explain the lexer")
        await driver.type("lexer")
        screen = await searching(driver)
        assert screen.query_one(Input).value == "lexer"
        assert rows(screen) == ["explain the lexer"]
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is driver.chat)
        assert driver.chat.prompt.text == "lexer"


async def test_what_another_process_sent_meanwhile_is_found(tmp_path: Path) -> None:
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await sent(driver, "mine")
        PastPrompts(history_path(tmp_path, "/home/ada/shop")).append("from another window")
        assert rows(await searching(driver)) == ["from another window", "mine"]


async def test_a_folder_that_cannot_be_written_costs_a_notice_not_the_prompt(
    tmp_path: Path,
) -> None:
    (tmp_path / "history").write_text("in the way", encoding="utf-8")
    async with running(home=tmp_path) as driver:
        await driver.ready()
        await sent(driver, "first", "second")
        assert driver.session.prompts == ["first", "second"]
        assert len(driver.app._notifications) == 1
