"""The budget panel: today against the limit, and where the money went."""

import logging
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Static
from typing_extensions import override

from ralex.errors import RalexError
from ralex.tui.ports import ChatSession
from ralex.tui.rows import shown
from ralex.tui.screens.budget.report import Money, report

_logger = logging.getLogger(__name__)
_GROUPS = ("model", "tier", "provider")
_DAYS = 14


class BudgetScreen(ModalScreen[None]):
    """Reads the ledger once when it opens."""

    CSS_PATH = "budget.tcss"
    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,f2,q", "close", "Close", show=False, priority=True)
    ]

    def __init__(self, session: ChatSession) -> None:
        super().__init__()
        self._session = session
        self._money: Money | None = None

    @override
    def compose(self) -> ComposeResult:
        """One scrolling text."""
        with Vertical() as panel:
            panel.border_title = "Budget"
            panel.border_subtitle = "Esc closes"
            with VerticalScroll():
                yield Static("Reading the ledger …", markup=False)

    def on_mount(self) -> None:
        """Read the ledger."""
        self._read()

    def on_resize(self, _event: Resize) -> None:
        """Write the report for the new width."""
        self.call_after_refresh(self._show)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    @work(exclusive=True, group="budget", exit_on_error=False)
    async def _read(self) -> None:
        text = self.query_one(Static)
        try:
            groups = {name: await self._session.spend(name, days=1) for name in _GROUPS}
            days = await self._session.spend("day", days=_DAYS)
            self._money = Money(
                budget=await self._session.budget(),
                forecast=await self._session.forecast(),
                groups=groups,
                days=days,
            )
        except RalexError as error:
            text.update(shown(f"{error.message}\n{error.hint}"))
        except Exception:
            _logger.exception("the budget panel could not read the ledger")
            text.update("The ledger could not be read; the log file says why.")
        else:
            self._show()

    def _show(self) -> None:
        if self._money is not None:
            text = self.query_one(Static)
            text.update(report(self._money, max(20, text.content_size.width)))
