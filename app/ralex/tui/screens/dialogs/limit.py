"""The limit stopped a call: say which sum does not fit, and what can be done now."""

from decimal import ROUND_CEILING, Decimal
from typing import ClassVar, Final, Literal, TypeAlias

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.core.records import dataclass
from ralex.tui import formats
from ralex.tui.rows import shown
from ralex.tui.sizes import HEIGHTS, WIDTHS

_SHARES: Final = (Decimal("0.2"), Decimal(1))
"""Of the limit, offered on top of it."""
_USUAL_LIMIT: Final = Decimal(5)
_CENT: Final = Decimal("0.01")

LimitWay: TypeAlias = Literal["stop", "raise", "cheaper", "panel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChoice:
    """What to do; ``usd`` is how much more today may cost."""

    way: LimitWay
    usd: Decimal = Decimal(0)


def offers(limit: Decimal) -> list[Decimal]:
    """Give what may be allowed on top of a limit: sums of its own size, in whole cents."""
    base = limit if limit > 0 else _USUAL_LIMIT
    sums = {(base * share).quantize(_CENT, ROUND_CEILING) for share in _SHARES}
    return sorted(sums)


class LimitScreen(ModalScreen[LimitChoice]):
    """Explains and offers; leaving it stops, which costs nothing.

    Args:
        message: The refusal, with its sum.
        limit: Today's own limit in USD if it is the one that refused, else None.
        cheaper: Model of the cheapest tier; empty if it is the one that was refused.
    """

    CSS_PATH = "dialogs.tcss"
    AUTO_FOCUS = "OptionList"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "stop_here", "Stop here", show=False, priority=True)
    ]

    def __init__(self, message: str, *, limit: Decimal | None, cheaper: str) -> None:
        super().__init__()
        self._message = message
        self._choices: list[tuple[Content, LimitChoice]] = [
            (Content("Stop here"), LimitChoice(way="stop"))
        ]
        if limit is not None:
            self._choices += [
                (
                    Content(f"Allow {formats.usd_cents(usd)} more today, and today only"),
                    LimitChoice(way="raise", usd=usd),
                )
                for usd in offers(limit)
            ]
        if cheaper:
            words = Content.assemble("Go on cheaper  ", (shown(cheaper), "$text-muted"))
            self._choices.append((words, LimitChoice(way="cheaper")))
        self._choices.append((Content("See and change all limits"), LimitChoice(way="panel")))

    @override
    def compose(self) -> ComposeResult:
        """What happened above, the choices below; the one that costs nothing first."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "The limit is reached"
            dialog.border_subtitle = "Enter chooses · Esc stops"
            text = Content.assemble(
                (shown(self._message), "$warning"),
                ("\nThis call was not sent; what was done before stays.", "$text-muted"),
            )
            yield Static(text, classes="question", markup=False)
            yield OptionList(
                *(Option(words) for words, _ in self._choices), markup=False, compact=True
            )

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(self._choices[event.option_index][1])

    def action_stop_here(self) -> None:
        """Spend nothing more."""
        self.dismiss(LimitChoice(way="stop"))
