"""``ralex --web`` end to end: the real server on loopback, its page, and a screen behind it."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager

import aiohttp
import pytest
from yarl import URL

from ralex.web import greeting, is_loopback
from tests.e2e.command import Ralex


@contextmanager
def served(ralex: Ralex, *args: str) -> Generator[tuple[subprocess.Popen[str], URL]]:
    process = ralex.popen("--web", "--port", "0", *args)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found is not None, (line, process.stderr and process.stderr.read())
        yield process, URL(found[0])
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
async def browser() -> AsyncGenerator[aiohttp.ClientSession]:
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of an address without a name
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield session


async def test_the_page_opens_with_the_secret_and_shows_the_screen(
    ralex: Ralex, browser: aiohttp.ClientSession
) -> None:
    with served(ralex, "--demo") as (process, url):
        async with browser.get(url) as page:
            text = await page.text()
            assert (page.status, page.url.path, page.url.query_string) == (200, "/", "")
        assert f"ws://{url.authority}/ws" in text
        async with browser.get(url.with_path("/static/js/textual.js")) as script:
            assert script.status == 200
        async with browser.ws_connect(
            url.with_path("/ws").with_query(width=100, height=30),
            origin=f"http://{url.authority}",
        ) as socket:
            seen = b""
            async with asyncio.timeout(60):
                while b"DEMO" not in seen or b"shop" not in seen:
                    message = await socket.receive()
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT)
                    if message.type is aiohttp.WSMsgType.BINARY:
                        seen += message.data
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 30) == 0


async def test_the_page_asks_nobody_else_for_anything(
    ralex: Ralex, browser: aiohttp.ClientSession
) -> None:
    with served(ralex, "--demo") as (_, url):
        async with browser.get(url) as page:
            text = await page.text()
            policy = page.headers["Content-Security-Policy"]
        addresses = re.findall(r"(?:https?|wss?)://([^/\"' ]+)", text)
        assert set(addresses) == {url.authority, "www.w3.org"}  # which names a kind of picture
        assert f"http://{url.authority}/static/css/xterm.css" in text
        assert "style-src 'self'" in policy
        fonts = re.findall(r"url\('(/static/fonts/[^']+)'\)", text)
        assert len(fonts) == 2
        for font in fonts:
            async with browser.get(url.with_path(font).with_query(None)) as found:
                assert (found.status, len(await found.read()) > 10_000) == (200, True)


async def test_nobody_else_gets_in(ralex: Ralex, browser: aiohttp.ClientSession) -> None:
    with served(ralex, "--demo") as (_, url):
        bare = url.with_query(None)

        async def status(address: URL, **headers: str) -> int:
            async with browser.get(address, headers=headers, allow_redirects=False) as answer:
                return answer.status

        assert await status(bare) == 403
        assert await status(bare.with_path("/ws")) == 403
        assert await status(bare.with_path("/static/js/textual.js")) == 403
        assert await status(bare.with_query(token="wrong")) == 403
        assert await status(url, Host=f"evil.example:{url.port}") == 403
        assert await status(url) == 302  # now the browser has the cookie
        assert await status(bare) == 200
        assert await status(bare, Host=f"evil.example:{url.port}") == 403
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await browser.ws_connect(bare.with_path("/ws"), origin="http://evil.example")
        assert caught.value.status == 403


def test_without_its_extra_it_says_what_to_install(ralex: Ralex) -> None:
    code = (
        "import sys; sys.modules['textual_serve'] = None\n"
        "from ralex.cli import run\nsys.exit(run(['--web', '--demo']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ralex.project,
        env=ralex.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install 'ralex[web]'" in done.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--web", "fix it"), "takes no prompt"),
        (("--web", "-p", "fix it"), "takes no prompt"),
        (("--web", "--plain"), "contradict"),
        (("--port", "80"), "belong to --web"),
        (("--web", "--port", "70000"), "not a port"),
        (("--web", "--demo", "--host", "203.0.113.9"), "cannot be used"),
        (("--web", "--demo", "--host", "no such host"), "no address"),
    ],
)
def test_wrong_usage_is_refused_before_anything_listens(
    ralex: Ralex, args: tuple[str, ...], says: str
) -> None:
    done = ralex(*args)
    assert done.code == 2
    assert says in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True),
        ("0.0.0.0", False), ("::", False), ("192.168.1.7", False), ("localhost.evil.net", False),
    ],
)  # fmt: skip
def test_other_machines_are_warned_of_loudly(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local
    assert any("WARNING" in line for line in greeting(host, 1, "s")) is not is_local
