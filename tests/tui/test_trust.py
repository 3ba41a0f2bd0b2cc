"""A project's own file: what loosens or redirects is followed only once the user trusts it."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList, Static

from ralex.cli import run as run_cli
from ralex.commands import trusting
from ralex.config.load import load_config
from ralex.config.model import Config
from ralex.config.trust import Trust, TrustBook
from ralex.errors import ConfigError, UsageError
from ralex.tui.app import RalexApp
from ralex.tui.lobby import Lobby
from ralex.tui.screens.dialogs.trust import TrustScreen
from tests.tui.fake_session import FakeOpener
from tests.tui.helpers import Clock, Driver, running
from tests.tui.test_pictures import THEMES, Compare

ASKING = """\
mode = "ask"
max_steps = 900
[budget]
daily_usd = 50
[providers.openai]
base_url = "http://gateway.example/v1"
api_key = "sk-a-literal-that-nobody-should-see"
"""


class Project:
    """A project with a file of its own, and a home with a key."""

    def __init__(self, folder: Path, text: str = ASKING) -> None:
        self.home = folder / "home"
        self.cwd = folder / "work"
        self.file = self.cwd / ".ralex" / "config.toml"
        self.file.parent.mkdir(parents=True)
        self.file.write_text(text)
        self.environ = {"RALEX_HOME": str(self.home), "OPENAI_API_KEY": "sk-mine", "HOME": "/x"}
        self.opener = FakeOpener()

    def load(self, environ: Mapping[str, str] | None = None, file: Path | None = None) -> Config:
        return load_config(cwd=self.cwd, environ=environ or self.environ, config_file=file)

    def lobby(self) -> Lobby:
        return Lobby(self.opener, self.load(), environ=self.environ, load=self.load)


async def asked(driver: Driver) -> TrustScreen:
    await driver.until(lambda: isinstance(driver.app.screen, TrustScreen))
    screen = driver.app.screen
    assert isinstance(screen, TrustScreen)
    return screen


async def choose(driver: Driver, name: str) -> None:
    options = (await asked(driver)).query_one(OptionList)
    at = next(n for n, one in enumerate(options.options) if str(one.prompt).startswith(name))
    options.highlighted = at
    await driver.pilot.press("enter")


async def test_nothing_loosens_before_the_answer_and_all_of_it_holds_after(tmp_path: Path) -> None:
    project = Project(tmp_path)
    before = project.load()
    assert before.providers["openai"].base_url == "https://api.openai.com/v1"
    assert before.budget.daily_usd == 5
    assert before.mode == "ask"
    async with running(opener=project.opener, lobby=project.lobby()) as driver:
        screen = await asked(driver)
        assert project.opener.opened == 0
        words = "\n".join(str(one.content) for one in screen.query(Static))
        assert 'providers.openai.base_url = "http://gateway.example/v1"' in words
        assert "providers.openai.api_key = (a secret)" in words
        assert "sk-a-literal" not in words
        await choose(driver, "Trust this file")
        await driver.ready()
    assert isinstance(project.opener.config, Config)
    for config in (project.opener.config, project.load()):
        assert config.providers["openai"].base_url == "http://gateway.example/v1"
        assert config.budget.daily_usd == 50
        assert config.untrusted == ()
    assert (project.home / "trust.json").stat().st_mode & 0o777 == 0o600


async def test_a_changed_file_is_asked_about_again_and_tightens_meanwhile(tmp_path: Path) -> None:
    project = Project(tmp_path)
    book = TrustBook(project.home)
    book.remember(project.file, project.load().untrusted[0].digest, Trust.TRUSTED)
    assert project.load().untrusted == ()
    project.file.write_text(ASKING + "# one more byte\n")
    config = project.load()
    assert len(config.untrusted) == 1
    assert config.budget.daily_usd == 5


@pytest.mark.parametrize(
    ("answer", "asks_again"), [("Not now", True), ("Ignore them", False)], ids=["later", "ignore"]
)
async def test_without_trust_the_chat_opens_with_the_users_own_settings(
    tmp_path: Path, answer: str, asks_again: bool
) -> None:
    project = Project(tmp_path)
    async with running(opener=project.opener, lobby=project.lobby()) as driver:
        await choose(driver, answer)
        await driver.ready()
        told = "ralex config trust" in "\n".join(
            item.source for item in driver.chat.transcript.items
        )
        assert told is asks_again
    config = project.load()
    assert bool(config.untrusted) is asks_again
    assert config.providers["openai"].base_url == "https://api.openai.com/v1"


async def test_a_trusted_file_with_a_fault_is_not_trusted_and_told(tmp_path: Path) -> None:
    project = Project(tmp_path, '[providers.acme]\nbase_url = "ftp://nowhere"\n')
    async with running(opener=project.opener, lobby=project.lobby()) as driver:
        await choose(driver, "Trust this file")
        await driver.ready()
        told = "\n".join(item.source for item in driver.chat.transcript.items)
        assert "could not be applied" in told
    assert project.load().untrusted


def test_without_a_screen_it_is_ignored_with_a_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project(tmp_path, '[providers.openai]\nbase_url = "http://127.0.0.1:1/v1"\n')
    for name, value in project.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_API_KEY", "")
    assert run_cli(["--prompt", "hi", "--cwd", str(project.cwd)]) == 4
    monkeypatch.chdir(project.cwd)
    assert run_cli(["budget"]) == 0
    assert "if you trust it: ralex config trust" in capsys.readouterr().err


def test_the_command_line_trusts_and_forgets(tmp_path: Path) -> None:
    project = Project(tmp_path)
    out = io.StringIO()
    trusting.trust(project.cwd, project.environ, out)
    assert "providers.openai.base_url" in out.getvalue()
    assert "sk-a-literal" not in out.getvalue()
    assert project.load().budget.daily_usd == 50
    trusting.untrust(project.cwd, project.environ, out)
    assert project.load().budget.daily_usd == 5
    with pytest.raises(UsageError):
        trusting.trust(tmp_path, project.environ, out)


def test_the_command_line_does_not_trust_what_cannot_be_applied(tmp_path: Path) -> None:
    project = Project(tmp_path, "[providers.acme]\nbase_url = 7\n")
    with pytest.raises(ConfigError, match="base_url"):
        trusting.trust(project.cwd, project.environ, io.StringIO())
    assert project.load().untrusted


def test_a_damaged_book_trusts_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.home.mkdir()
    for text in ("{", "[]", '{"files": []}', '{"files": {"x": 1}}'):
        (project.home / "trust.json").write_text(text)
        assert project.load().untrusted


def test_only_tightening_asks_nothing(tmp_path: Path) -> None:
    project = Project(tmp_path, 'mode = "plan"\n[budget]\ndaily_usd = 1\n')
    assert project.load().untrusted == ()


@THEMES
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40)], ids=["60x15", "80x24", "120x40"])
def test_picture_of_the_question(
    snap_compare: Compare,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: tuple[int, int],
    theme: str,
) -> None:
    project = Project(tmp_path)
    lobby = project.lobby()
    file = project.load().untrusted[0]
    shown = type(file)(path=Path("/home/ada/shop/.ralex/config.toml"), digest="", asks=file.asks)
    object.__setattr__(lobby._config, "untrusted", (shown,))
    app = RalexApp(project.opener, theme=theme, clock=lambda: 0.0, is_still=True, lobby=lobby)

    async def opened(pilot: Pilot[None]) -> None:
        await asked(Driver(app, pilot, project.opener, Clock()))

    assert snap_compare(app, terminal_size=size, run_before=opened)
