"""What a turn or the session changed: files at the left, one file's diff beside them."""

import logging
from collections.abc import Sequence
from typing import ClassVar, Final, Literal, TypeAlias

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option
from typing_extensions import override

from ralex.errors import RalexError
from ralex.tui import formats
from ralex.tui.palette import palette
from ralex.tui.ports import ChatSession
from ralex.tui.rows import Row, row, shown, shown_line
from ralex.tui.screens.diff.view import RowsView
from ralex.tui.widgets.transcript.diffs import DiffRenderer, FileDiff, by_file

_logger = logging.getLogger(__name__)
_MOST_LINES: Final = 5_000
_BESIDE_FROM: Final = 100

Scope: TypeAlias = Literal["turn", "session"]
_SCOPES: Final[dict[Scope, str]] = {"turn": "the last turn", "session": "this session"}


class DiffScreen(ModalScreen[None]):
    """Reads the changes when it opens; drawing is done for one file at a time.

    Args:
        session: Whose changes.
        scope: Which of them at first.
    """

    CSS_PATH = "diff.tcss"
    AUTO_FOCUS = "RowsView"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (90, "-wide")]  # noqa: RUF012 - an instance variable to Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Close", show=False, priority=True),
        Binding("s", "columns", "One column or two", show=False),
        Binding("t", "scope", "Last turn or whole session", show=False),
        Binding("n,right,tab", "file(1)", "Next file", show=False, priority=True),
        Binding("p,left,shift+tab", "file(-1)", "File before", show=False, priority=True),
    ]

    def __init__(self, session: ChatSession, scope: Scope = "turn") -> None:
        super().__init__()
        self._session = session
        self._scope: Scope = scope
        self._files: Sequence[FileDiff] = ()
        self._is_beside: bool | None = None

    @override
    def compose(self) -> ComposeResult:
        """What it is, the files, the diff."""
        with Vertical(id="panel") as panel:
            panel.border_title = "Changes"
            panel.border_subtitle = "n p files · s columns · t turn or session · Esc closes"
            yield Static("Reading the changes …", id="head", markup=False)
            with Horizontal():
                files = OptionList(markup=False, compact=True)
                files.can_focus = False
                yield files
                yield RowsView(id="diff")

    def on_mount(self) -> None:
        """Read the changes."""
        self._read()

    @work(exclusive=True, group="diff", exit_on_error=False)
    async def _read(self) -> None:
        head = self.query_one("#head", Static)
        try:
            diff = shown(await self._session.diff(self._scope))
        except RalexError as error:
            head.update(shown(f"{error.message}\n{error.hint}"))
            return
        except Exception:
            _logger.exception("the changes could not be read")
            head.update("The changes could not be read; the log file says why.")
            return
        self._files = by_file(diff)
        files = self.query_one(OptionList)
        files.clear_options()
        files.add_options(Option(_line(file)) for file in self._files)
        files.display = len(self._files) > 1
        if self._files:
            files.highlighted = 0
        self._show()

    @on(OptionList.OptionHighlighted)
    def _mark(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._show()

    def action_file(self, step: int) -> None:
        """Go to another file."""
        files = self.query_one(OptionList)
        if self._files:
            files.highlighted = ((files.highlighted or 0) + step) % len(self._files)

    def action_columns(self) -> None:
        """Change between one column and two."""
        self._is_beside = not self._has_columns
        self._show()

    def action_scope(self) -> None:
        """Change between the last turn and the whole session."""
        self._scope = "session" if self._scope == "turn" else "turn"
        self._read()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    @property
    def _has_columns(self) -> bool:
        if self._is_beside is not None:
            return self._is_beside
        return self.query_one(RowsView).size.width >= _BESIDE_FROM

    def _show(self) -> None:
        at = self.query_one(OptionList).highlighted or 0
        file = self._files[at] if at < len(self._files) else None
        self.query_one("#head", Static).update(self._head(file, at))
        variables = self.app.theme_variables  # pyright: ignore[reportUnknownMemberType]  # any App

        def make(width: int) -> Sequence[Row]:
            styles = palette(variables)
            if file is None or not file.text:
                text = file.note if file else f"No file was changed in {_SCOPES[self._scope]}."
                return [row([(text, styles.muted)], total=width)]
            renderer = DiffRenderer(
                styles,
                lead=[],
                width=width,
                total=width,
                is_beside=self._has_columns,
                most=_MOST_LINES,
            )
            return renderer.rows(file.text)

        self.query_one(RowsView).show(make)

    def _head(self, file: FileDiff | None, at: int) -> Content:
        if file is None:
            return Content.styled(_SCOPES[self._scope], "$text-muted")
        added = sum(one.added for one in self._files)
        removed = sum(one.removed for one in self._files)
        place = f"{at + 1} of {formats.count(len(self._files), 'file')}, {_SCOPES[self._scope]}"
        return Content.assemble(
            (shown_line(file.name), "bold $primary"),
            (f"   {place}   ", "$text-muted"),
            (f"+{added}", "$diff-added"),
            (f" −{removed}", "$diff-removed"),
        )


def _line(file: FileDiff) -> Content:
    if not file.text:
        return Content.styled(shown_line(file.note), "$text-muted")
    return Content.assemble(
        (f"+{file.added}", "$diff-added"),
        (f" −{file.removed} ", "$diff-removed"),
        shown_line(file.name),
    )
