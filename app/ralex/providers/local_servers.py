"""Find model servers on this machine, by the ports their makers chose.

Asked over the loopback interface only, without a proxy and without a key, with the standard
library: this happens once, before anything is configured, and must not bring the HTTP library in.
"""

import http.client
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, cast

from ralex.core.records import dataclass

_TIMEOUT_S: Final = 1.0
_MOST_BYTES: Final = 1_000_000
_MOST_MODELS: Final = 50

KNOWN_PORTS: Final = (("ollama", 11434), ("llamacpp", 8080), ("lmstudio", 1234))
"""Names and default ports, as their documentation gives them (read November 2026)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A server that answers in OpenAI's dialect.

    Attributes:
        models: Names of what it serves; never empty.
    """

    name: str
    base_url: str
    models: tuple[str, ...]


def find_servers(ports: Sequence[tuple[str, int]] = KNOWN_PORTS) -> list[LocalServer]:
    """Ask all ports at once, a second each at most; meant for a thread."""
    with ThreadPoolExecutor(max_workers=len(ports) or 1) as pool:
        found = pool.map(_server, [name for name, _ in ports], [port for _, port in ports])
        return [server for server in found if server is not None]


def _server(name: str, port: int) -> LocalServer | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/v1/models", headers={"accept": "application/json"})
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES) if answer.status == http.client.OK else b""
        data: object = json.loads(body or b"null")
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    models = _names(data)
    if not models:
        return None
    return LocalServer(name=name, base_url=f"http://127.0.0.1:{port}/v1", models=models)


def _names(data: object) -> tuple[str, ...]:
    """Read the names of models; anything else may listen on these ports, so nothing is expected."""
    entries: object = cast("dict[str, object]", data).get("data") if isinstance(data, dict) else []
    names: list[str] = []
    for entry in cast("list[object]", entries) if isinstance(entries, list) else []:
        name = cast("dict[str, object]", entry).get("id") if isinstance(entry, dict) else None
        if isinstance(name, str) and name.strip() and name.isprintable() and len(name) <= 200:
            names.append(name.strip())
    return tuple(names[:_MOST_MODELS])
