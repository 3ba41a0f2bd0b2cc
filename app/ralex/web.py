"""``ralex --web``: the screen in a browser, through textual-serve.

textual-serve starts one ralex for each page that is opened and asks nobody who they are. Whoever
reaches it can run commands as this user, so three things stand before it here: it listens on this
machine only unless told otherwise, the address holds a secret that becomes a cookie, and pages of
other sites are refused by their Origin and Host.
"""

import re
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TextIO, cast

from ralex.errors import UsageError

if TYPE_CHECKING:
    import socket

    from aiohttp import web

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8377
_HOLD_S = 1.0

_FROM_HERE: Final = "font-src 'self' data:; style-src 'self' 'unsafe-inline'"
"""Where a browser may take fonts and styles from."""
_LINK: Final = re.compile(r"<link\b[^>]*\bhref=\"(https?://[^\"]*)\"[^>]*>")
_FONTS: Final = "".join(
    f"<style>@font-face {{ font-family: 'Roboto Mono'; font-weight: 100 700; font-style: {style}; "
    f"src: url('/static/fonts/RobotoMono-{file}VariableFont_wght.ttf'); }}</style>"
    for style, file in (("normal", ""), ("italic", "Italic-"))
)


def run_web(arguments: Sequence[str], *, host: str, port: int, stdout: TextIO) -> int:
    """Serve until Ctrl+C or SIGTERM, and give the exit code.

    Args:
        arguments: Of the ralex that each page starts.
        port: 0 takes a free one.

    Raises:
        UsageError: If textual-serve is missing, or the address cannot be used.
    """
    try:
        from aiohttp import web  # noqa: PLC0415
        from textual_serve.server import Server  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "ralex --web needs textual-serve, which is not installed",
            hint="pip install 'ralex[web]'",
        ) from error

    place = _bind(host, port)
    port = place.getsockname()[1]
    guard = Guard(secrets.token_urlsafe(24), is_local=is_loopback(host), port=port)

    class Guarded(Server):
        """Lets in only who has the secret; addresses in the page follow what the browser asked."""

        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(web.middleware(guard))
            return app

        async def on_startup(self, app: web.Application) -> None:  # noqa: ARG002 - the base's form
            """Say where it is; the base would draw a logo."""
            for line in greeting(host, port, guard.secret):
                stdout.write(line + "\n")
            stdout.flush()

        async def handle_index(self, request: web.Request) -> web.Response:
            """Fill the page with addresses under the name by which the browser came."""
            self.public_url = f"{request.scheme}://{request.host}"
            page = cast("web.Response", await super().handle_index(request))
            page.text = own_fonts(page.text or "", self.public_url)
            page.headers["Content-Security-Policy"] = _FROM_HERE
            return page

        def listen(self) -> None:
            """Serve; unlike the base's ``serve`` it leaves logging as it is."""
            web.run_app(
                self._make_app(),
                sock=place,
                print=None,
                access_log=None,
                shutdown_timeout=_HOLD_S,
            )

    command = "exec " + shlex.join([sys.executable, "-m", "ralex", *arguments])
    Guarded(command, host=host, port=port, title="ralex").listen()
    return 0


def own_fonts(page: str, here: str) -> str:
    """Let a page take its font from this server, where textual-serve's own asks a third party.

    That one would learn who uses ralex and when, and without a network the page waits for it.

    Args:
        here: What addresses of this server begin with.
    """
    kept = _LINK.sub(lambda link: link[0] if link[1].startswith(f"{here}/") else "", page)
    return kept.replace("</head>", f"{_FONTS}</head>", 1)


class Guard:
    """Stands before every request.

    Attributes:
        secret: Part of the address that was printed; afterwards a cookie.
    """

    def __init__(self, secret: str, *, is_local: bool, port: int) -> None:
        self.secret = secret
        self._is_local = is_local
        # Browsers send cookies to every port of a host: the name keeps two servers apart.
        self._cookie = f"ralex-{port}"

    async def __call__(self, request: "web.Request", handler: "Handler") -> "web.StreamResponse":
        """Answer, or refuse with 403."""
        from aiohttp import web  # noqa: PLC0415

        if self._is_local and not is_loopback(request.url.host or ""):
            # A name of another site that was made to point here.
            raise web.HTTPForbidden(text="ralex answers only to this machine's own names\n")
        if request.path == "/" and self._is_secret(request.query.get("token", "")):
            arrived = web.HTTPFound("/")  # the secret leaves the address bar and the history
            arrived.set_cookie(
                self._cookie, self.secret, httponly=True, samesite="Strict", path="/"
            )
            raise arrived
        if not self._is_secret(request.cookies.get(self._cookie, "")):
            raise web.HTTPForbidden(text="open the whole address that `ralex --web` printed\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise web.HTTPForbidden(text="this page belongs to another site\n")
        return await handler(request)

    def _is_secret(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.secret.encode())


def is_loopback(host: str) -> bool:
    """Tell whether a name or an address is this machine's alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def greeting(host: str, port: int, secret: str) -> list[str]:
    """Say where the screen is, and what it means to pass that on."""
    shown = f"[{host}]" if ":" in host else host
    lines = [
        f"ralex is at http://{shown}:{port}/?token={secret}",
        "Who has this address can run commands as you. Ctrl+C ends it, and every page of it.",
    ]
    if not is_loopback(host):
        lines += [
            f"WARNING: {host} can be reached from other machines, and nothing is encrypted: the",
            "WARNING: address, your prompts and your files can be read on the way. Prefer",
            f"WARNING: 127.0.0.1 and `ssh -L {port}:127.0.0.1:{port}`.",
        ]
    return lines


def _bind(host: str, port: int) -> "socket.socket":
    import socket  # noqa: PLC0415

    try:
        kind, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        place = socket.socket(kind, socket.SOCK_STREAM)
    except OSError as error:
        raise UsageError(f"{host} is no address of this machine: {error.strerror}") from error
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(address)
        place.listen()  # whoever reads the address may come at once
    except OSError as error:
        place.close()
        raise UsageError(
            f"{host}:{port} cannot be used: {error.strerror}",
            hint="choose another with --port, or 0 for any free one",
        ) from error
    return place
