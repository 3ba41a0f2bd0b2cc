"""Which addresses of the web may be asked, checked on the very address that is connected to."""

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from ralex.core.records import dataclass
from ralex.errors import ToolError

_MAX_URL = 8000
_NEVER = tuple(
    ipaddress.ip_network(one)
    for one in (
        "169.254.0.0/16",  # link-local, and the metadata services of most clouds
        "fe80::/10",
        "fd00:ec2::/32",  # AWS over IPv6
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's own, a public address
        "192.0.0.192/32",  # Oracle, older machines
        "fd20:ce::254/128",  # Google over IPv6
    )
)
"""Machines' own metadata, credentials among them: refused whatever the configuration says."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")
"""Of old; the first two are the unspecified address and the machine itself."""

_UNSAFE_PATH = "/%:=&?~#+!$,;'@()*[]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request goes.

    Attributes:
        url: Without its fragment.
        path: With the query, as sent.
    """

    url: str
    host: str
    port: int
    is_tls: bool
    path: str


def target_of(url: str) -> Target:
    """Read an address.

    Raises:
        ToolError: If it is no http or https address, or carries a name and password.
    """
    text = url.strip()
    if "://" not in text and not text.startswith(("/", "#")) and "." in text.split("/", 1)[0]:
        text = f"https://{text}"
    if len(text) > _MAX_URL or not text.isprintable():
        raise ToolError("the URL is too long, or holds characters that no URL has")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except (ValueError, UnicodeError):
        raise ToolError(f"{text[:200]} is not a URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ToolError(f"{text[:200]} is not an http or https URL")
    if "@" in parts.netloc:
        raise ToolError("the URL holds a user name or password; pages are fetched without any")
    return _target(parts, host, port)


def addresses_of(target: Target, *, allow_private: bool) -> list[str]:
    """Look a host up and give the addresses that may be connected to.

    Raises:
        ToolError: If there are none, or one of them is not to be asked: a name that leads both
            outside and inside is a trap.
    """
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise ToolError(f"{target.host} cannot be found: {reason}") from None
    addresses = list(dict.fromkeys(str(one[4][0]).split("%", 1)[0] for one in found))
    for address in addresses:
        refusal = refused(ipaddress.ip_address(address), allow_private=allow_private)
        if refusal:
            raise ToolError(f"{target.host} is at {address}, {refusal}")
    if not addresses:
        raise ToolError(f"{target.host} cannot be found")
    return addresses


def refused(address: IPv4Address | IPv6Address, *, allow_private: bool) -> str:
    """Say why an address is not asked, or nothing; addresses within addresses are looked at."""
    inner = _inner(address)
    if any(one in network for one in inner for network in _NEVER if one.version == network.version):
        return "an address of machines' own metadata, which is never asked"
    if any(one.is_multicast or one.is_unspecified for one in inner):
        return "which is no machine's address"
    if not allow_private and any(not one.is_global for one in inner):
        return (
            "a private address or this machine itself, which is not asked unless the user sets "
            "allow_private = true under [web_fetch] in config.toml"
        )
    return ""


def _inner(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    found: list[IPv4Address | IPv6Address] = [address]
    if isinstance(address, IPv6Address):
        found += [one for one in (address.ipv4_mapped, address.sixtofour) if one is not None]
        found += address.teredo or ()
        if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
            found.append(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None or address in _NAT64:
            found.remove(address)  # it stands for the other one and nothing else
    return found


def _target(parts: SplitResult, host: str, port: int | None) -> Target:
    is_tls = parts.scheme == "https"
    path = quote(parts.path or "/", safe=_UNSAFE_PATH)
    query = quote(parts.query, safe=_UNSAFE_PATH)
    shown = f"[{host}]" if ":" in host else host
    netloc = f"{shown}:{port}" if port else shown
    return Target(
        url=urlunsplit((parts.scheme, netloc, path, query, "")),
        host=host,
        port=port or (443 if is_tls else 80),
        is_tls=is_tls,
        path=f"{path}?{query}" if query else path,
    )
