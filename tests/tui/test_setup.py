"""The first start without a key: choose, paste, test, and on into the chat; nothing leaks."""

import os
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Static

from ralex.config.load import load_config, usable_providers
from ralex.config.model import Config
from ralex.config.setup import CloudChoice, LocalChoice, with_values, write_choice
from ralex.config.stored_keys import store_key
from ralex.core.ids import ModelId
from ralex.errors import ConfigError, RalexError
from ralex.providers.local_servers import LocalServer, find_servers
from ralex.trial import Trial
from ralex.tui.lobby import Lobby
from ralex.tui.screens.setup.desk import SetupDesk
from ralex.tui.screens.setup.screen import SetupScreen
from tests.e2e.model_server import Answer, ModelServer
from tests.tui.fake_session import FakeOpener
from tests.tui.helpers import Driver, running

KEY = "sk-or-v1-never-shown-0123456789"


class Place:
    """A home without a key, and everything that asks for it."""

    def __init__(self, folder: Path, trial: "Call", servers: Sequence[LocalServer]) -> None:
        self.home = folder / "home"
        self.environ = {"RALEX_HOME": str(self.home), "MY_KEY": KEY, "HOME": str(folder)}
        self.cwd = folder
        self.opener = FakeOpener()
        self.trial = trial
        self.lobby = Lobby(
            self.opener,
            self.load(self.environ, None),
            environ=self.environ,
            load=self.load,
            trial=trial,
            find=lambda: servers,
        )

    def load(self, environ: Mapping[str, str], file: Path | None) -> Config:
        return load_config(cwd=self.cwd, environ=environ, config_file=file, require_key=False)

    def running(self, size: tuple[int, int] = (80, 24)) -> AbstractAsyncContextManager[Driver]:
        return running(opener=self.opener, lobby=self.lobby, size=size)


class Call:
    """A test call that answers, or fails as told; remembers what it was asked with."""

    def __init__(self, *errors: RalexError) -> None:
        self.errors = list(errors)
        self.configs: list[Config] = []

    async def __call__(self, config: Config, model: ModelId, *, within_s: float) -> Trial:
        self.configs.append(config)
        if self.errors:
            raise self.errors.pop(0)
        return Trial(model=model, cost_usd=Decimal("0.000012"), elapsed_s=0.8)


def screen_of(driver: Driver) -> SetupScreen:
    screen = driver.app.screen
    assert isinstance(screen, SetupScreen)
    return screen


def words(driver: Driver) -> str:
    screen = screen_of(driver)
    parts = [str(screen.query_one(name, Static).content) for name in ("#question", "#note")]
    options = screen.query_one(OptionList)
    return "\n".join([*parts, *(str(one.prompt) for one in options.options)])


async def open_setup(driver: Driver) -> None:
    await driver.until(lambda: isinstance(driver.app.screen, SetupScreen))
    await driver.until(lambda: "OpenRouter" in words(driver) and "looking" not in words(driver))


async def choose(driver: Driver, name: str) -> None:
    options = screen_of(driver).query_one(OptionList)
    at = next(n for n, one in enumerate(options.options) if str(one.prompt).startswith(name))
    options.highlighted = at
    await driver.pilot.press("enter")


@pytest.mark.parametrize("size", [(80, 24), (60, 15)], ids=["80x24", "60x15"])
async def test_a_pasted_key_is_tested_kept_privately_and_leads_into_the_chat(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    place = Place(tmp_path, Call(), [])
    async with place.running(size) as driver:
        await open_setup(driver)
        assert driver.opener.opened == 0
        await choose(driver, "Mistral")
        screen_of(driver).query_one(Input).value = KEY
        await driver.pilot.pause()
        assert KEY not in driver.app.export_screenshot()
        await driver.pilot.press("enter")
        await driver.until(lambda: "answered" in words(driver))
        assert "it cost <$0.0001" in words(driver)
        await driver.pilot.press("enter")
        await driver.ready()
        assert driver.opener.opened == 1
    keys = place.home / "keys.toml"
    assert keys.stat().st_mode & 0o777 == 0o600
    assert KEY not in (place.home / "config.toml").read_text()
    assert place.trial.configs[0].router == "mistral"
    config = load_config(cwd=tmp_path, environ=place.environ)
    assert config.router == "mistral"
    assert config.providers["mistral"].api_key == KEY


async def test_a_variable_is_kept_as_a_reference_and_its_value_nowhere(tmp_path: Path) -> None:
    place = Place(tmp_path, Call(), [])
    async with place.running() as driver:
        await open_setup(driver)
        await choose(driver, "OpenAI")
        await driver.type("env:MY_KEY")
        assert not screen_of(driver).query_one(Input).password
        await driver.pilot.press("enter")
        await driver.until(lambda: "answered" in words(driver))
    text = (place.home / "config.toml").read_text()
    assert 'api_key = "env:MY_KEY"' in text
    assert not (place.home / "keys.toml").exists()
    config = load_config(cwd=tmp_path, environ=place.environ)
    assert config.providers["openai"].api_key == KEY


async def test_a_refused_key_is_told_plainly_and_nothing_is_written(tmp_path: Path) -> None:
    refused = ConfigError("openai does not accept the key (401)", hint="check the key")
    place = Place(tmp_path, Call(refused), [])
    async with place.running() as driver:
        await open_setup(driver)
        await choose(driver, "OpenAI")
        await driver.type("sk-wrong-key")
        await driver.pilot.press("enter")
        await driver.until(lambda: "does not accept" in words(driver))
        assert "Another key" in words(driver)
        assert not place.home.exists() or not list(place.home.iterdir())
        await choose(driver, "Another key")
        await driver.type("sk-right")
        await driver.pilot.press("enter")
        await driver.until(lambda: "answered" in words(driver))


async def test_a_key_that_cannot_be_one_is_refused_before_any_call(tmp_path: Path) -> None:
    place = Place(tmp_path, Call(), [])
    async with place.running() as driver:
        await open_setup(driver)
        await choose(driver, "OpenAI")
        for typed, told in (("", "nothing was typed"), ("env:NOPE", "NOPE is not set here")):
            screen_of(driver).query_one(Input).value = typed
            await driver.pilot.press("enter")
            await driver.until(lambda told=told: told in words(driver))
    assert place.trial.configs == []


async def test_a_server_on_this_machine_needs_no_key(tmp_path: Path) -> None:
    server = LocalServer(
        name="ollama", base_url="http://127.0.0.1:11434/v1", models=("tiny", "qwen3:8b")
    )
    place = Place(tmp_path, Call(), [server])
    async with place.running() as driver:
        await open_setup(driver)
        assert screen_of(driver).query_one(OptionList).highlighted == 0
        await choose(driver, "Ollama")
        await choose(driver, "qwen3:8b")
        await driver.until(lambda: "answered" in words(driver))
    config = load_config(cwd=tmp_path, environ=place.environ)
    assert config.router == "ollama"
    assert next(iter(config.routers["ollama"].tiers.values())) == ("ollama/qwen3:8b",)
    assert "ollama" in usable_providers(config)


async def test_it_works_by_mouse_and_leaving_says_how(tmp_path: Path) -> None:
    place = Place(tmp_path, Call(), [])
    async with place.running() as driver:
        await open_setup(driver)
        await driver.pilot.click(OptionList, offset=(3, 1))
        await driver.until(lambda: "Paste your Anthropic key" in words(driver))
        await driver.pilot.press("escape")
        await driver.until(lambda: "Which one" in words(driver))
        await driver.pilot.press("escape")
    assert driver.app.return_code == 4
    assert driver.opener.opened == 0


async def test_the_demo_is_a_choice(tmp_path: Path) -> None:
    place = Place(tmp_path, Call(), [])
    async with place.running() as driver:
        await open_setup(driver)
        await choose(driver, "Demo")
    assert place.lobby.wants_demo


async def test_what_a_server_calls_its_models_is_only_text(tmp_path: Path) -> None:
    odd = LocalServer(name="ollama", base_url="http://127.0.0.1:1/v1", models=("[/x]", "[b]y"))
    place = Place(tmp_path, Call(), [odd])
    async with place.running() as driver:
        await open_setup(driver)
        await choose(driver, "Ollama")
        assert "[/x]" in words(driver)


@pytest.fixture
def provider() -> Generator[Callable[[Answer], ModelServer], None, None]:
    started: list[ModelServer] = []

    def start(answer: Answer) -> ModelServer:
        started.append(ModelServer([answer]).__enter__())
        return started[-1]

    yield start
    for server in started:
        server.__exit__(None, None, None)


async def test_the_test_call_is_real_small_and_booked(
    tmp_path: Path, provider: Callable[[Answer], ModelServer]
) -> None:
    server = provider(Answer(text="OK", prompt_tokens=12, completion_tokens=1))
    desk = desk_at(tmp_path, server)
    trial = await desk.test(CloudChoice(preset="openai"), KEY)
    assert trial.cost_usd > 0
    sent = server.requests[0]
    assert 16 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert (tmp_path / "home" / "ledger.db").exists()


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (401, '{"error": {"message": "Incorrect API key provided"}}', "does not accept the key"),
        (402, '{"error": {"message": "Insufficient credits"}}', "credit"),
    ],
    ids=["refused", "no credit"],
)
async def test_failures_of_the_real_call_are_plain_words(
    tmp_path: Path, provider: Callable[[Answer], ModelServer], status: int, body: str, told: str
) -> None:
    server = provider(Answer(status=status, body=body))
    with pytest.raises(RalexError) as caught:
        await desk_at(tmp_path, server).test(CloudChoice(preset="openai"), KEY)
    assert told in f"{caught.value.message} {caught.value.hint}".lower()
    assert KEY not in f"{caught.value.message} {caught.value.hint}"
    assert len(server.requests) == 1


def desk_at(folder: Path, server: ModelServer) -> SetupDesk:
    environ = {"RALEX_HOME": str(folder / "home"), "OPENAI_BASE_URL": server.url}
    return SetupDesk(
        home=folder / "home",
        environ=environ,
        load=lambda given, file: load_config(
            cwd=folder, environ=given, config_file=file, require_key=False
        ),
    )


@contextmanager
def listening(status: int, body: bytes) -> Generator[int, None, None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "models"),
    [
        (200, b'{"data": [{"id": "a"}, {"id": 7}, "x", {"id": "b\\u001b[31m"}]}', ("a",)),
        (200, b"<html>hello</html>", ()),
        (200, b'{"data": {}}', ()),
        (404, b'{"data": [{"id": "a"}]}', ()),
    ],
    ids=["models", "a web page", "odd json", "no such path"],
)
def test_whatever_listens_on_a_known_port_is_only_a_server_if_it_lists_models(
    status: int, body: bytes, models: tuple[str, ...]
) -> None:
    with listening(status, body) as port:
        found = find_servers([("ollama", port)])
    assert tuple(name for server in found for name in server.models) == models


def test_a_choice_changes_only_its_own_lines(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\nrouter = "openrouter" # old\n\n[budget]\ndaily_usd = 2.50\n')
    path.chmod(0o640)
    write_choice(tmp_path, CloudChoice(preset="mistral", reference="MY_KEY"))
    assert path.read_text() == (
        '# mine\nrouter = "mistral" # old\n\n[budget]\ndaily_usd = 2.50\n\n'
        '[providers.mistral]\napi_key = "env:MY_KEY"\n'
    )
    assert path.stat().st_mode & 0o777 == 0o640


def test_an_odd_layout_is_left_alone_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    text = 'providers = { mistral = { api_key = "env:OLD" } }\n'
    path.write_text(text)
    choice = CloudChoice(preset="mistral", reference="MY_KEY")
    with pytest.raises(ConfigError, match="left as it is"):
        write_choice(tmp_path, choice)
    assert path.read_text() == text


def test_local_models_with_odd_names_come_back_the_same(tmp_path: Path) -> None:
    choice = LocalChoice(provider="ollama", base_url="http://127.0.0.1:1/v1", model='a"b.c/d')
    write_choice(tmp_path, choice)
    config = load_config(cwd=tmp_path, environ={"RALEX_HOME": str(tmp_path)})
    assert ModelId('ollama/a"b.c/d') in config.models
    assert with_values("", {("router",): "x"}) == 'router = "x"\n'


def test_a_variable_wins_over_a_stored_key_and_others_must_not_read_it(tmp_path: Path) -> None:
    path = store_key(tmp_path, "OPENAI_API_KEY", KEY)
    environ = {"RALEX_HOME": str(tmp_path), "OPENAI_API_KEY": "sk-from-the-environment"}
    assert load_config(cwd=tmp_path, environ=environ).providers["openai"].api_key != KEY
    os.chmod(path, 0o644)  # noqa: PTH101
    config = load_config(cwd=tmp_path, environ={"RALEX_HOME": str(tmp_path)})
    assert config.providers["openai"].api_key == KEY
    assert any("chmod 600" in warning for warning in config.warnings)


def test_a_damaged_key_file_is_an_error_that_shows_no_key(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(f'OPENAI_API_KEY = "{KEY}')
    with pytest.raises(ConfigError) as caught:
        load_config(cwd=tmp_path, environ={"RALEX_HOME": str(tmp_path)})
    assert "keys.toml" in caught.value.message
    assert KEY not in caught.value.message
