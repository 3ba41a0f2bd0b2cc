"""The budget panel: today against the limit, the limits to change, and where the money went."""

import logging
from decimal import Decimal
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.budget import Balance
from ralex.errors import RalexError
from ralex.tui import formats
from ralex.tui.ports import ChatSession
from ralex.tui.rows import shown
from ralex.tui.screens.budget.limits import LimitLine, limit_lines, read_amount
from ralex.tui.screens.budget.report import Money, report, today
from ralex.tui.sizes import WIDTHS

_logger = logging.getLogger(__name__)
_GROUPS = ("model", "tier", "provider", "project")
_DAYS = 30


class BudgetScreen(ModalScreen[None]):
    """Reads the ledger when it opens and after each change; it counts nothing itself."""

    CSS_PATH = "budget.tcss"
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]  # noqa: RUF012 - an instance variable to Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Close", show=False, priority=True),
        Binding("f2", "close", "Close", show=False, priority=True),
        Binding("pageup", "page(-1)", "Scroll up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Scroll down", show=False, priority=True),
    ]

    def __init__(self, session: ChatSession) -> None:
        super().__init__()
        self._session = session
        self._money: Money | None = None
        self._lines: list[LimitLine] = []
        self._changing: LimitLine | None = None

    @override
    def compose(self) -> ComposeResult:
        """One scrolling text with the limits as a list in its middle."""
        with VerticalScroll(can_focus=False) as panel:
            panel.border_title = "Budget"
            panel.border_subtitle = "Enter changes a limit · PgDn reads on · Esc closes"
            yield Static("Reading the ledger …", id="today", markup=False)
            yield Static(Content.styled("Limits", "bold $primary"), id="head")
            yield OptionList(markup=False, compact=True, id="limits")
            amount = Input(compact=True, id="amount")
            amount.cursor_blink = False
            amount.display = False
            yield amount
            yield Static("", id="told", markup=False)
            yield Static("", id="report", markup=False)

    def on_mount(self) -> None:
        """Read the ledger."""
        self.query_one("#told").display = False
        self.query_one(OptionList).focus(scroll_visible=False)  # the day stays in sight
        self._read()

    def on_resize(self, _event: Resize) -> None:
        """Write the report for the new width."""
        self.call_after_refresh(self._show)

    def action_back(self) -> None:
        """Leave the amount as it is, or the panel."""
        if self._changing is None:
            self.dismiss(None)
        else:
            self._end_change()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        box = self.query_one(VerticalScroll)
        box.scroll_to(y=box.scroll_y + step * max(1, box.size.height - 1), animate=False)

    @on(OptionList.OptionSelected)
    def _begin_change(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        line = self._lines[event.option_index]
        self._changing = line
        amount = self.query_one(Input)
        self._tell(f"{line.title}: in USD, such as 5 or 0.50; off for none", style="$text-muted")
        amount.value = "" if line.amount is None else f"{line.amount:f}"
        amount.display = True
        amount.focus()

    @on(Input.Submitted)
    def _take_amount(self, event: Input.Submitted) -> None:
        event.stop()
        line = self._changing
        if line is None:
            return
        try:
            amount = read_amount(event.value)
        except RalexError as error:
            self._tell(f"{error.message}; {error.hint}", style="$error")
            return
        self._change(line, amount)

    @work(exclusive=True, group="budget", exit_on_error=False)
    async def _change(self, line: LimitLine, amount: Decimal | None) -> None:
        try:
            told = await self._set(line, amount)
        except RalexError as error:
            self._tell(f"{error.message}; {error.hint}", style="$error")
            return
        except Exception as error:
            _logger.exception("a limit could not be changed")
            self._tell(f"that failed: {error}; the log file says more", style="$error")
            return
        self._end_change()
        self._tell(told)
        await self._load()

    async def _set(self, line: LimitLine, amount: Decimal | None) -> str:
        if line.kind == "today":
            before = line.amount or 0
            if amount and amount < before:
                await self._session.raise_today(None)
                before = 0
            more = amount - before if amount else None
            if more != 0:
                await self._session.raise_today(more)
            if not amount:
                return "Today has its usual limit again."
            return f"{formats.usd_cents(amount)} more today, until midnight."
        change = await self._session.set_limit(line.kind, amount)
        value = "no limit" if amount is None else formats.usd_cents(amount)
        return "\n".join([f"{line.title}: {value}, from now on ({change.file})", *change.notes])

    def _end_change(self) -> None:
        self._changing = None
        self.query_one("#told").display = False
        self.query_one(Input).display = False
        self.query_one(OptionList).focus()

    def _tell(self, text: str, *, style: str = "$success") -> None:
        told = self.query_one("#told", Static)
        told.update(Content.styled(shown(text), style))
        told.display = True
        self.call_after_refresh(told.scroll_visible, animate=False)

    @work(exclusive=True, group="budget", exit_on_error=False)
    async def _read(self) -> None:
        await self._load()

    async def _load(self) -> None:
        text = self.query_one("#today", Static)
        session = self._session
        try:
            self._money = Money(
                budget=await session.budget(),
                forecast=await session.forecast(),
                groups={name: await session.spend(name, days=1) for name in _GROUPS},
                days=await session.spend("day", days=_DAYS),
            )
            balances = await session.balances()
        except RalexError as error:
            text.update(shown(f"{error.message}\n{error.hint}"))
        except Exception:
            _logger.exception("the budget panel could not read the ledger")
            text.update("The ledger could not be read; the log file says why.")
        else:
            self._list_limits(balances)
            self._show()

    def _list_limits(self, balances: list[Balance]) -> None:
        if self._money is None:
            return
        self._lines = limit_lines(self._money.budget, balances)
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        options.clear_options()
        options.add_options(Option(line.content()) for line in self._lines)
        options.highlighted = at

    def _show(self) -> None:
        if self._money is not None:
            width = max(20, self.query_one("#today", Static).content_size.width)
            self.query_one("#today", Static).update(today(self._money, width))
            self.query_one("#report", Static).update(report(self._money, width))
