"""Keep httpx from work that nobody here needs.

It imports its own command line, with click, rich and pygments, wherever those happen to be
installed: as much again as httpx itself. Nobody calls it, so an empty module takes its place.

Several times in each call it also tries to import ``sniffio``. Where that is not installed, the
whole path is searched each time, about a tenth of a call; an entry that says so ends the search.
"""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import cast


def prepare() -> None:
    """Put the entries in place; must run before httpx is first imported."""

    def main() -> None:
        """Stand where httpx expects its command line."""

    if "httpx" not in sys.modules:
        empty = ModuleType("httpx._main")
        empty.__dict__["main"] = main
        sys.modules["httpx._main"] = empty
    if "sniffio" not in sys.modules and find_spec("sniffio") is None:
        sys.modules["sniffio"] = cast("ModuleType", None)
