"""Pages from a real server on loopback: text, limits, redirects, and addresses never asked."""

import asyncio
import gzip
import socket
import ssl
import subprocess
import time
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest

from ralex.errors import ToolError
from ralex.tools import web_address
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.web_address import addresses_of, refused, target_of
from ralex.tools.web_client import MAX_BODY_BYTES, Fetch
from ralex.tools.web_fetch import WebFetchTool
from ralex.tools.web_page import MAX_SHOWN_BYTES
from tests.tools.web_server import reply, serving

PAGE = b"<html><head><title>A page</title></head><body><h1>Hello</h1><p>words</p></body></html>"
Send = Callable[[str, socket.socket], None]


async def fetch(context: ToolContext, url: str) -> ToolOutcome:
    return await WebFetchTool(allow_private=True).run({"url": url}, context)


async def test_a_page_is_given_as_text_with_its_title(context: ToolContext) -> None:
    with serving(reply(PAGE)) as server:
        outcome = await fetch(context, server.url("/a?b=1#c"))
    assert outcome.text == f"[{server.url('/a?b=1')} · A page · HTTP 200]\n# Hello\n\nwords"
    assert not outcome.is_error


async def test_nothing_about_the_user_is_sent(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://user:secret@127.0.0.1:1")
    with serving(reply(PAGE, Set_Cookie="a=b")) as server:
        await fetch(context, server.url())
        await fetch(context, server.url())
    for head in server.requests:
        names = {line.split(":")[0].lower() for line in head.split("\r\n")[1:] if line}
        assert names == {
            "host",
            "user-agent",
            "accept",
            "accept-encoding",
            "accept-language",
            "connection",
        }
        assert "secret" not in head


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "javascript:alert(1)",
        "http://user:pass@example.com/",
        "http://user@example.com/",
        "http://exa mple.com/\x00",
        "http://example.com:99999/",
        "http://[::1/",
        "https://" + "a" * 9000,
    ],
)
async def test_what_is_no_plain_address_of_the_web_is_refused(
    context: ToolContext, url: str
) -> None:
    with pytest.raises(ToolError):
        await fetch(context, url)


@pytest.mark.parametrize(
    ("address", "never"),
    [
        ("169.254.169.254", True),
        ("169.254.1.1", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("::169.254.169.254", True),
        ("2002:a9fe:a9fe::1", True),
        ("fe80::1", True),
        ("fd00:ec2::254", True),
        ("fd20:ce::254", True),
        ("168.63.129.16", True),
        ("100.100.100.200", True),
        ("0.0.0.0", True),
        ("::", True),
        ("224.0.0.1", True),
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("::127.0.0.1", False),
        ("10.0.0.1", False),
        ("192.168.1.1", False),
        ("172.16.0.1", False),
        ("100.64.0.1", False),
        ("fd12:3456::1", False),
        ("198.18.0.1", False),
        ("255.255.255.255", False),
    ],
)
def test_addresses_that_are_not_the_public_web_are_refused(address: str, never: bool) -> None:
    assert refused(ip_address(address), allow_private=False)
    assert bool(refused(ip_address(address), allow_private=True)) is never


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101"]
)
def test_public_addresses_are_asked(address: str) -> None:
    assert refused(ip_address(address), allow_private=False) == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1"])
async def test_this_machine_is_not_asked_unless_the_user_allows_it(
    context: ToolContext, host: str
) -> None:
    with serving(reply(PAGE)) as server:
        with pytest.raises(ToolError):
            await WebFetchTool().run({"url": f"http://{host}:{server.port}/"}, context)
        assert server.requests == []


async def test_the_address_that_was_checked_is_the_one_connected_to(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that answers differently the second time gains nothing."""
    answers = iter(["93.184.216.34"])

    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers, "127.0.0.1"), port))]

    asked: list[object] = []

    def connect(address: object, *_: object) -> socket.socket:
        asked.append(address)
        raise OSError(113, "No route to host")

    monkeypatch.setattr(web_address.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ToolError, match="No route"):
        await WebFetchTool().run({"url": "http://rebind.example/"}, context)
    assert asked == [("93.184.216.34", 80)]


def test_a_name_that_leads_inside_as_well_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("93.184.216.34", "10.0.0.1")
        ]

    monkeypatch.setattr(web_address.socket, "getaddrinfo", look_up)
    with pytest.raises(ToolError, match=r"10\.0\.0\.1"):
        addresses_of(target_of("http://both.example/"), allow_private=False)


async def test_redirects_are_followed_within_the_site_and_checked_at_each_hop(
    context: ToolContext,
) -> None:
    def answer(path: str, connection: socket.socket) -> None:
        places = {"/": "/one", "/one": "two?x=1", "/two?x=1": "/end"}
        if path in places:
            connection.sendall(reply(b"", status="302 Found", Location=places[path]))
        else:
            connection.sendall(reply(PAGE))

    with serving(answer) as server:
        assert server.url("/end") in (await fetch(context, server.url())).text


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://169.254.169.254/latest/meta-data/", "another site"),
        ("https://elsewhere.example/", "another site"),
        ("file:///etc/passwd", "not an http"),
        ("http://me:pw@127.0.0.1/", "password"),
        ("http://[::1", "no URL"),
        ("/again", "more than 5"),
    ],
)
async def test_a_redirect_that_leads_astray_is_not_followed(
    context: ToolContext, location: str, why: str
) -> None:
    with serving(reply(b"", status="301 Moved", Location=location)) as server:
        with pytest.raises(ToolError, match=why):
            await fetch(context, server.url())
        assert len(server.requests) <= 6


async def test_a_long_page_is_cut_and_kept_whole_in_a_file(context: ToolContext) -> None:
    text = "".join(f"line {number} of the page\n" for number in range(20_000))
    with serving(reply(text.encode(), "text/plain; charset=utf-8")) as server:
        outcome = await fetch(context, server.url())
    assert len(outcome.text.encode()) < MAX_SHOWN_BYTES + 500
    (kept,) = context.output_dir.iterdir()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.read_text() == text.rstrip("\n")
    assert str(kept) in outcome.text


async def test_an_endless_page_ends(context: ToolContext) -> None:
    def answer(_: str, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            connection.sendall(b"x" * 60_000 + b"\n")

    with serving(answer) as server:
        outcome = await fetch(context, server.url())
    assert f"only the first {MAX_BODY_BYTES:,} bytes" in outcome.text


async def test_a_packed_page_is_unpacked_within_the_limit(context: ToolContext) -> None:
    with serving(reply(gzip.compress(PAGE), Content_Encoding="gzip")) as server:
        assert "# Hello" in (await fetch(context, server.url())).text


@pytest.mark.parametrize("bits", [zlib.MAX_WBITS, -zlib.MAX_WBITS])
async def test_deflate_is_understood_in_both_its_meanings(context: ToolContext, bits: int) -> None:
    packer = zlib.compressobj(wbits=bits)
    packed = packer.compress(PAGE) + packer.flush()
    with serving(reply(packed, Content_Encoding="deflate")) as server:
        assert "# Hello" in (await fetch(context, server.url())).text


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"", "closed the connection"),
        (b"SSH-2.0-x\r\n", "not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nplain",
            "not packed as the server says",
        ),
    ],
)
async def test_what_went_wrong_is_said(context: ToolContext, sent: bytes, why: str) -> None:
    serve = serving(lambda _, connection: connection.sendall(sent))
    with serve as server, pytest.raises(ToolError, match=why):
        await fetch(context, server.url())


async def test_a_page_that_breaks_off_says_so(context: ToolContext) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\n"
    with serving(lambda _, connection: connection.sendall(head + b"half")) as server:
        outcome = await fetch(context, server.url())
    assert "half" in outcome.text
    assert "broke off before the end" in outcome.text


async def test_control_characters_of_a_page_go_no_further(context: ToolContext) -> None:
    page = b"<p>\x1b[2Ja\x07b\x00c</p>" + b"words " * 50
    with serving(reply(page)) as server:
        assert "[2Jabc" in (await fetch(context, server.url())).text


def test_a_bomb_is_never_unpacked_whole() -> None:
    bomb = gzip.compress(b"word " * 20_000_000, 9)
    with serving(reply(bomb, "text/plain", Content_Encoding="gzip")) as server:
        tracemalloc.start()
        try:
            answer = Fetch(server.url(), allow_private=True).run()
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert answer.is_cut
    assert len(answer.body) == MAX_BODY_BYTES
    assert most < 5 * MAX_BODY_BYTES


async def test_a_packing_nobody_asked_for_is_refused(context: ToolContext) -> None:
    packed = reply(PAGE, Content_Encoding="br")
    with serving(packed) as server, pytest.raises(ToolError, match="packed"):
        await fetch(context, server.url())


def test_a_server_that_says_nothing_or_drips_is_given_up() -> None:
    def silent(_: str, connection: socket.socket) -> None:
        connection.recv(1)

    with serving(silent) as server, pytest.raises(ToolError, match="nothing came"):
        Fetch(server.url(), allow_private=True, idle_s=0.2).run()

    def drips(_: str, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    with serving(drips) as server, pytest.raises(ToolError, match="nothing came"):
        Fetch(server.url(), allow_private=True, total_s=0.4).run()


async def test_stopping_the_turn_ends_the_fetch(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = partial(Fetch, idle_s=1000.0, total_s=1000.0)
    monkeypatch.setattr("ralex.tools.web_client.Fetch", patient)
    arrived = asyncio.Event()
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()

    def silent(_: str, connection: socket.socket) -> None:
        loop.call_soon_threadsafe(arrived.set)
        assert connection.recv(1) == b""
        loop.call_soon_threadsafe(gone.set)

    with serving(silent) as server:
        task = asyncio.create_task(fetch(context, server.url()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(60):  # its own patience would last much longer
            await gone.wait()


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (b"%PDF-1.7 ...", "application/pdf", "PDF"),
        (b"%PDF-1.7 ...", "", "PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png", "no text"),
        (b"\0\1\2\3", "", "no text"),
        (b"\0\1\2\3", "text/plain", "no text"),
        (b"PK\3\4", "application/zip", "no text"),
    ],
)
async def test_what_is_no_text_is_refused_with_what_it_is(
    context: ToolContext, body: bytes, kind: str, why: str
) -> None:
    with serving(reply(body, kind)) as server, pytest.raises(ToolError, match=why):
        await fetch(context, server.url())


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("Müller €".encode(), "text/plain"),
        ("Müller €".encode(), "text/plain; charset=utf-8"),
        ("Müller €".encode("cp1252"), "text/plain; charset=iso-8859-1"),
        ("Müller €".encode("cp1252"), "text/plain"),
        ("<meta charset=windows-1252>Müller €".encode("cp1252"), "text/html"),
        ("\ufeffMüller €".encode("utf-16-le"), "text/plain"),
        ("Müller €".encode(), "text/plain; charset=no-such"),
    ],
)
async def test_the_text_is_read_in_its_own_encoding(
    context: ToolContext, body: bytes, kind: str
) -> None:
    with serving(reply(body, kind)) as server:
        assert (await fetch(context, server.url())).text.endswith("Müller €")


async def test_json_is_given_as_it_is(context: ToolContext) -> None:
    with serving(reply(b'{"a": "<b>"}', "application/json")) as server:
        assert (await fetch(context, server.url())).text.endswith('{"a": "<b>"}')


async def test_an_error_page_is_an_error_and_short(context: ToolContext) -> None:
    body = b"<p>not here</p>" + b"<p>x</p>" * 5000
    with serving(reply(body, status="404 Not Found")) as server:
        outcome = await fetch(context, server.url())
    assert outcome.is_error
    assert "HTTP 404" in outcome.text
    assert "not here" in outcome.text
    assert len(outcome.text) < 2_500


async def test_a_page_without_text_says_why_that_may_be(context: ToolContext) -> None:
    with serving(reply(b"<html><body><div id=root></div><script>run()</script>")) as server:
        assert "made by a script" in (await fetch(context, server.url())).text


async def test_nobody_there_is_said_plainly(context: ToolContext) -> None:
    with serving(reply(PAGE)) as server:
        url = server.url()
    with pytest.raises(ToolError, match="refused"):
        await fetch(context, url)
    with serving(b"garbage\r\n\r\n") as server, pytest.raises(ToolError, match="not HTTP"):
        await fetch(context, server.url())


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    made += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=other.example"]
    made += ["-addext", "subjectAltName=DNS:other.example"]
    subprocess.run(made, check=True, capture_output=True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(reply(PAGE), own) as server:
        with pytest.raises(ToolError, match="certificate is not valid"):
            Fetch(server.url(), allow_private=True).run()
        with pytest.raises(ToolError, match="certificate is not valid"):
            Fetch(server.url(), allow_private=True, tls=trusting).run()
        assert server.requests == []
