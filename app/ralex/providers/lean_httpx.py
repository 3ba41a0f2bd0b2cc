"""Keep httpx from loading its own command line.

httpx imports it, with click, rich and pygments, wherever those happen to be installed: as much
again as httpx itself. Nobody calls it here, so an empty module takes its place.
"""

import sys
from types import ModuleType


def prepare() -> None:
    """Put the empty module in place; must run before httpx is first imported."""

    def main() -> None:
        """Stand where httpx expects its command line."""

    if "httpx" not in sys.modules:
        empty = ModuleType("httpx._main")
        empty.__dict__["main"] = main
        sys.modules["httpx._main"] = empty
