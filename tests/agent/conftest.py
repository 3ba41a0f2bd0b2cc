"""Fixtures of the agent's tests."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.agent.stand import Stand


@pytest.fixture
async def stand(tmp_path: Path) -> AsyncIterator[Stand]:
    """Give a stand whose engines are closed at the end."""
    async with AsyncExitStack() as stack:
        yield Stand(tmp_path, stack)
