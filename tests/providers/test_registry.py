"""From configuration to adapter: what is refused early, and what is loaded when."""

import subprocess
import sys

import pytest

from ralex.config.model import ProviderConfig, Timeouts
from ralex.core.models import Api
from ralex.dispatch.ports import ChatProvider
from ralex.errors import ConfigError, MissingKeyError
from ralex.providers.registry import build_provider
from tests.providers.conftest import Ask
from tests.providers.loopback import STREAM_HEAD, Serve, event


def config(**more: object) -> ProviderConfig:
    values: dict[str, object] = {
        "name": "acme", "api": Api.OPENAI_CHAT, "base_url": "http://127.0.0.1:1/v1",
        "api_key": "k", **more,
    }  # fmt: skip
    return ProviderConfig(**values)  # pyright: ignore[reportArgumentType]  # keyword values of a test


def test_an_adapter_fits_the_port_of_dispatch() -> None:
    provider: ChatProvider = build_provider(config(), Timeouts())
    assert provider


def test_a_missing_key_names_the_variable_to_set() -> None:
    with pytest.raises(MissingKeyError) as caught:
        build_provider(config(api_key=" ", key_names=("ACME_KEY",)), Timeouts())
    assert "ACME_KEY" in caught.value.hint


async def test_a_server_that_needs_no_key_is_sent_none(serve: Serve, ask: Ask) -> None:
    async with serve(STREAM_HEAD + event("[DONE]")) as server:
        ask.key = None
        await ask(server.url)
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize("url", ["api.example.com/v1", "ftp://x/v1", "https://", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        build_provider(config(base_url=url), Timeouts())


@pytest.mark.parametrize("key", ["secret\nkey", "sécret", "sec\x00ret"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build_provider(config(api_key=key), Timeouts())
    assert key not in str(caught.value)
    assert "copy the key again" in caught.value.hint


def test_a_scripted_provider_is_not_built_here() -> None:
    with pytest.raises(ConfigError, match="scripted"):
        build_provider(config(api=Api.SCRIPTED), Timeouts())


async def test_own_headers_are_sent_and_win(serve: Serve, ask: Ask) -> None:
    async with serve(STREAM_HEAD + event("[DONE]")) as server:
        ask.headers = {"User-Agent": "mine", "X-Team": "a"}
        await ask(server.url)
    headers = server.requests[0].headers
    assert (headers["user-agent"], headers["x-team"]) == ("mine", "a")


def test_the_http_library_is_loaded_by_the_first_adapter_only() -> None:
    code = "import sys, ralex.providers.registry; print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
