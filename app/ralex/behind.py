"""Imports that go on while the user already types."""

import asyncio
import importlib
import sys
from collections.abc import Sequence
from typing import Final

_TURN_S: Final = 0.000_5
"""How long the importing thread may keep what waits for it; Python's own turns are ten times as
long, and an echoed key waits for several."""


async def import_behind(names: Sequence[str]) -> None:
    """Import modules in a thread, in turns so short that keys are echoed meanwhile."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        await asyncio.to_thread(_import_all, names)
    finally:
        sys.setswitchinterval(before)


def _import_all(names: Sequence[str]) -> None:
    for name in names:
        importlib.import_module(name)
