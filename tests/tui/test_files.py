"""The project's files while someone types: found, ranked, read again, and many."""

from pathlib import Path

import pytest

from ralex.tui.files import FileIndex, project_files
from ralex.tui.widgets.completion.completion import Completion
from tests.tui.fake_session import FakeSession
from tests.tui.helpers import Driver, running

PATHS = ("README.md", "c/h/e.py", "check/list.txt", "src/checkout.py", "tests/test_checkout.py")


def listed(driver: Driver) -> list[str]:
    shown = [each for each in driver.chat.query(Completion) if each.is_open]
    return [str(option.prompt) for each in shown for option in each.options]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", list(PATHS)),
        ("che", ["src/checkout.py", "tests/test_checkout.py", "check/list.txt", "c/h/e.py"]),
        ("CHECKOUT", ["src/checkout.py", "tests/test_checkout.py"]),
        ("src/c", ["src/checkout.py"]),
        ("sco", ["src/checkout.py", "tests/test_checkout.py"]),
        ("rdm", ["README.md"]),
        ("zz", []),
        ("a.*b(", []),
    ],
)
def test_names_come_before_folders_and_letters_in_order_last(query: str, found: list[str]) -> None:
    assert FileIndex(PATHS).search(query) == found


def test_a_search_goes_on_where_one_found_nothing_and_begins_again_elsewhere() -> None:
    index = FileIndex(PATHS)
    assert index.search("zz") == []
    assert index.search("zzr") == []
    assert index.search("z") == []
    assert index.search("rdm") == ["README.md"]


def test_odd_names_are_found_as_they_are_and_nothing_is_listed_for_no_files() -> None:
    index = FileIndex(["a b.txt", "漢字.py", "ÜBER.md"])
    assert index.search("über") == ["ÜBER.md"]
    assert index.search("漢") == ["漢字.py"]
    assert FileIndex().search("x") == []
    assert FileIndex().search("") == []


def test_of_very_many_paths_the_best_of_the_first_are_given() -> None:
    index = FileIndex([f"folder{n % 7}/file{n}.py" for n in range(100_000)])
    assert index.search("file99999") == ["folder4/file99999.py"]
    assert len(index.search("file")) == 50
    assert len(index.search("f9y")) == 50
    assert index.search("qqq") == []


async def test_the_list_is_read_again_when_it_is_old(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text("", encoding="utf-8")
    async with running(FakeSession(project=str(tmp_path))) as driver:
        await driver.ready()
        driver.chat.prompt.put("@")
        await driver.until(lambda: listed(driver) == ["first.py"])
        (tmp_path / "second one.py").write_text("", encoding="utf-8")
        driver.chat.prompt.put("@s")
        await driver.pilot.pause()
        assert listed(driver) == ["first.py"]
        driver.clock.now += 60
        driver.chat.prompt.put("@se")
        await driver.until(lambda: listed(driver) == ["second one.py"])
        await driver.pilot.press("tab")
        assert driver.chat.prompt.text == '@"second one.py" '


def test_what_is_deleted_or_a_folder_that_is_gone_is_no_fault(tmp_path: Path) -> None:
    assert project_files(tmp_path / "gone") == []
