"""Choosing model, tier, router and mode; commands of one's own; instruction files; jobs."""

from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from ralex.agent.standards import agent_os_files
from ralex.core.routing import Override, Router
from ralex.core.tiers import Tier
from ralex.custom_commands import find_commands
from ralex.tools.jobs import JobInfo
from ralex.tui.screens.dialogs.picker import PickerScreen
from ralex.tui.widgets.transcript.items import ErrorItem, ReportItem
from tests.tui.fake_session import CHEAP, MODELS, STRONG, FakeSession
from tests.tui.helpers import Driver, running
from tests.tui.test_pictures import SIZES, THEMES, Compare, chat_of, ralex, ready, until

KNOWN = replace(
    MODELS[1], id=type(STRONG)("openai/gpt-5.1"), provider="openai", name="gpt-5.1", label="GPT-5.1"
)


async def picker(driver: Driver) -> PickerScreen:
    await driver.until(lambda: isinstance(driver.app.screen, PickerScreen))
    screen = driver.app.screen
    assert isinstance(screen, PickerScreen)
    return screen


@pytest.mark.parametrize(
    ("downs", "override"),
    [
        (0, Override(model=STRONG)),
        (1, Override(model=STRONG, once=True)),
        (2, Override(model=STRONG, for_task=True)),
    ],
    ids=["until auto", "once", "task"],
)
async def test_a_model_is_picked_and_then_for_how_long(downs: int, override: Override) -> None:
    async with running(size=(100, 30)) as driver:
        await driver.ready()
        await driver.send("/model")
        await picker(driver)
        await driver.type("deep")
        await driver.pilot.press("enter")
        await driver.until(
            lambda: "until /auto" in str(driver.app.screen.query_one(OptionList).options[0].prompt)
        )
        await driver.pilot.press(*["down"] * downs, "enter")
        await driver.until(lambda: driver.session.override == override)


@pytest.mark.parametrize(
    ("typed", "override"),
    [
        (f"/model {CHEAP} task", Override(model=CHEAP, for_task=True)),
        ("/tier rea!", Override(tier=Tier.REASONING, once=True)),
        ("/tier simple task", Override(tier=Tier.SIMPLE, for_task=True)),
    ],
)
async def test_how_long_can_be_typed(typed: str, override: Override) -> None:
    async with running() as driver:
        await driver.ready()
        await driver.send(typed)
        await driver.until(lambda: driver.session.override == override)


async def test_the_list_tells_what_a_model_achieved_and_what_beats_it() -> None:
    session = FakeSession(models=(*MODELS, KNOWN))
    async with running(session, size=(110, 30)) as driver:
        await driver.ready()
        await driver.send("/model")
        screen = await picker(driver)
        await driver.type("gpt-5.1")
        await driver.until(lambda: "solved" in str(screen.query_one("#about", Static).content))
        line = str(screen.query_one(OptionList).options[0].prompt)
        assert "%" in line
        assert "solved" in str(screen.query_one("#head", Static).content)


async def test_routers_and_modes_are_changed_by_name_or_from_a_list() -> None:
    other = Router(name="frontier", tiers={Tier.SIMPLE: (CHEAP,)})
    session = FakeSession(others=(other,))
    async with running(session) as driver:
        await driver.ready()
        await driver.send("/router frontier")
        await driver.until(lambda: driver.session.router.name == "frontier")
        await driver.send("/router nowhere")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        await driver.send("/mode")
        await picker(driver)
        await driver.type("plan")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.session.mode == "plan")
        await driver.until(lambda: driver.bar().startswith("plan"))
        await driver.send("/mode ask")
        await driver.until(lambda: driver.session.mode == "ask")


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    return folder


def test_commands_are_found_where_people_keep_them_and_the_nearest_wins(
    project: Path, tmp_path: Path
) -> None:
    write(
        project / ".ralex/commands/review.md",
        "---\ndescription: Review it\nargument-hint: '[path]'\n---\nReview $1 with $ARGUMENTS.",
    )
    write(project / ".claude/commands/review.md", "theirs")
    write(project / ".claude/commands/web/test.md", "Test the page")
    write(project / ".opencode/command/ship.md", "Ship $ARGUMENTS")
    write(project / ".ralex/commands/help.md", "never: a command of ralex has this name")
    write(project / ".ralex/commands/Odd Name.md", "never")
    write(tmp_path / "home/commands/mine.md", "Mine")
    write(tmp_path / "user/.claude/commands/theirs.md", "Theirs")
    found = find_commands(project / "src", tmp_path / "home", tmp_path / "user")
    assert set(found) == {"review", "web:test", "ship", "mine", "theirs"}
    assert found["review"].help == "Review it"
    assert found["review"].entry().usage == "/review [path]"
    assert found["review"].prompt("a.py fast") == "Review a.py with a.py fast."
    assert found["web:test"].prompt("now") == "Test the page\n\nnow"
    assert found["ship"].prompt("") == "Ship"


def test_what_is_typed_is_never_taken_for_a_place_of_its_own(project: Path) -> None:
    write(project / ".ralex/commands/say.md", "Say $ARGUMENTS")
    found = find_commands(project, project, None)
    assert found["say"].prompt("$1 \\1 $ARGUMENTS") == "Say $1 \\1 $ARGUMENTS"


def test_links_out_of_the_folder_and_large_or_binary_files_are_left_out(
    project: Path, tmp_path: Path
) -> None:
    secret = write(tmp_path / "secret.md", "private")
    folder = project / ".ralex/commands"
    folder.mkdir(parents=True)
    (folder / "leak.md").symlink_to(secret)
    (folder / "large.md").write_text("x" * 70_000)
    (folder / "binary.md").write_bytes(b"\xff\xfe\x00")
    assert find_commands(project, project, None) == {}


async def test_a_command_of_ones_own_is_completed_listed_and_sent(project: Path) -> None:
    write(project / ".ralex/commands/review.md", "---\ndescription: [/x]\n---\nReview $ARGUMENTS.")
    async with running(FakeSession(project=str(project))) as driver:
        await driver.ready()
        await driver.send("/commands")
        await driver.until(lambda: driver.chat.transcript.newest(ReportItem))
        assert "/review" in driver.text()
        assert "[/x]" in driver.text()
        await driver.type("/rev")
        await driver.pilot.pause()
        assert [one.text.strip() for one in driver.chat._assistant._list._choices] == ["/review"]
        driver.chat.prompt.text = ""
        await driver.send("/review src/a.py")
        await driver.idle()
        await driver.until(lambda: driver.session.prompts)
        assert driver.session.prompts == ["Review src/a.py."]
        assert "/review src/a.py" in driver.text()
        await driver.send("/reviwe")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert "did you mean /review" in driver.text()


async def test_the_list_of_commands_runs_one_or_lets_its_words_be_written(project: Path) -> None:
    write(project / ".ralex/commands/review.md", "---\ndescription: [/x]\n---\nReview $ARGUMENTS.")
    async with running(FakeSession(project=str(project))) as driver:
        await driver.ready()
        for sought, wanted in (("review", "/review "), ("rename", "/rename ")):
            await driver.pilot.press("ctrl+p")
            await picker(driver)
            await driver.type(sought)
            await driver.pilot.press("enter")
            await driver.until(lambda wanted=wanted: driver.chat.prompt.text == wanted)
            driver.chat.prompt.text = ""
        await driver.pilot.press("ctrl+p")
        await picker(driver)
        await driver.type("/auto")
        await driver.pilot.press("enter")
        await driver.until(lambda: "chooses again" in driver.text())


async def test_the_list_of_commands_does_not_cover_another_dialog() -> None:
    async with running() as driver:
        await driver.ready()
        await driver.pilot.press("f1", "ctrl+p")
        await driver.pilot.pause()
        assert len(driver.app.screen_stack) == 2


async def test_instruction_files_in_force_are_named(project: Path) -> None:
    write(project / "AGENTS.md", "Use Decimal for money.")
    write(project / "agent-os/standards/python.md", "# Python")
    assert agent_os_files(project) == [("agent-os/standards/python.md", "a standard")]
    async with running(FakeSession(project=str(project))) as driver:
        await driver.ready()
        await driver.send("/standards")
        await driver.until(lambda: "Agent OS" in driver.text())
        assert "AGENTS.md" in driver.text()
        assert "agent-os/standards/python.md" in driver.text()


async def test_background_jobs_are_listed_and_ended() -> None:
    job = JobInfo(
        id=2,
        command="make [/watch]",
        state="running",
        seconds=12.0,
        exit_code=None,
        output=Path("/tmp/out.txt"),
    )
    session = FakeSession(background=[job])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("/jobs")
        await driver.until(lambda: "make [/watch]" in driver.text())
        assert "  2  running for 12 s  make [/watch]\n     /tmp/out.txt" in driver.text()
        await driver.send("/jobs kill 2")
        await driver.until(lambda: session.background[0].state == "killed")
        await driver.send("/jobs kill 9")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert "there is no job 9" in driver.text()


@THEMES
@SIZES
def test_picture_of_commands(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press("down")

    assert snap_compare(ralex(FakeSession(), theme=theme), terminal_size=size, run_before=opened)


@THEMES
@SIZES
@pytest.mark.parametrize("name", ["mode", "tier", "router", "theme"])
def test_picture_of_a_choice(
    snap_compare: Compare, size: tuple[int, int], theme: str, name: str
) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put(f"/{name}")
        chat_of(pilot).prompt.submit()
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)

    assert snap_compare(ralex(FakeSession(), theme=theme), terminal_size=size, run_before=opened)


@THEMES
@SIZES
def test_picture_of_models(snap_compare: Compare, size: tuple[int, int], theme: str) -> None:
    async def opened(pilot: Pilot[None]) -> None:
        await ready(pilot)
        chat_of(pilot).prompt.put("/model")
        chat_of(pilot).prompt.submit()
        await until(pilot, lambda: len(pilot.app.screen_stack) == 2)
        await pilot.press("down", "down", "down")

    session = FakeSession(models=(*MODELS, KNOWN))
    assert snap_compare(ralex(session, theme=theme), terminal_size=size, run_before=opened)
