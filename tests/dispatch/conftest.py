"""A real ledger for every test that spends."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from ralex.core.budget import Limits
from ralex.store.ledger import SqliteLedger
from tests.dispatch.desk import NOW


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Open one with a limit of one dollar."""
    opened = await SqliteLedger.open(
        tmp_path / "ledger.db",
        limits=Limits(daily_usd=Decimal(1), alert_usd=None),
        now=lambda: NOW,
    )
    yield opened
    await opened.aclose()


@pytest.fixture
async def small_ledger(tmp_path: Path) -> AsyncIterator[SqliteLedger]:
    """Open one with a limit of one cent."""
    opened = await SqliteLedger.open(
        tmp_path / "small.db",
        limits=Limits(daily_usd=Decimal("0.01"), alert_usd=None),
        now=lambda: NOW,
    )
    yield opened
    await opened.aclose()
