"""Set up the first provider: choose, give a key, test, ready; by mouse or by keys alone.

Shown when no provider can be used. Nothing is written before a test worked or the user says so.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option
from textual.worker import Worker
from typing_extensions import override

from ralex.config.model import Config
from ralex.config.setup import CloudChoice, LocalChoice
from ralex.core.records import dataclass
from ralex.core.terminal_text import clean_line, mask_secrets
from ralex.errors import RalexError
from ralex.providers.local_servers import LocalServer
from ralex.trial import Trial
from ralex.tui import formats
from ralex.tui.hanging import beside
from ralex.tui.rows import shown
from ralex.tui.screens.setup.desk import (
    SERVER_TITLES,
    VENDORS,
    Kept,
    SetupDesk,
    Vendor,
    home_words,
)
from ralex.tui.sizes import WIDTHS

_logger = logging.getLogger(__name__)
_WIDEST: Final = 78
"""Cells of the dialog, as in the style sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupDone:
    """How setting up ended; without a configuration the user wants the demo."""

    config: Config | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One line of the list: what it shows, what it does."""

    name: str
    about: str
    act: Callable[[], object] | None = None


class SetupScreen(ModalScreen[SetupDone | None]):
    """One step at a time; Esc goes one back, and from the first leaves with None."""

    CSS_PATH = "setup.tcss"
    AUTO_FOCUS = "OptionList"
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-tall")]  # noqa: RUF012 - an instance variable to Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, priority=True),
        Binding("ctrl+q,ctrl+c", "leave", "Leave", show=False, priority=True),
    ]

    def __init__(self, desk: SetupDesk) -> None:
        super().__init__()
        self._desk = desk
        self._entries: list[_Entry] = []
        self._servers: Sequence[LocalServer] | None = None
        self._vendor: Vendor | None = None
        self._choice: CloudChoice | LocalChoice | None = None
        self._key = ""
        self._step = "provider"
        self._test: Worker[None] | None = None

    @override
    def compose(self) -> ComposeResult:
        """A question, a list or a line to answer with, and a note."""
        with VerticalScroll(classes="frame", can_focus=False) as dialog:
            dialog.border_title = "Welcome to ralex"
            yield Static("", id="question", markup=False)
            key = Input(password=True, compact=True, id="key")
            key.cursor_blink = False
            yield key
            yield OptionList(markup=False, compact=True, id="choices")
            yield Static("", id="note", markup=False)

    def on_mount(self) -> None:
        """Ask for the provider, and look around on this machine meanwhile."""
        self._ask_provider()
        self._look_around()

    @work(group="servers", exit_on_error=False)
    async def _look_around(self) -> None:
        try:
            self._servers = await self._desk.servers()
        except Exception:
            _logger.exception("looking for local servers failed")
            self._servers = ()
        if self._step == "provider":
            at = self.query_one(OptionList).highlighted or 0
            before = len(self._entries)
            self._ask_provider()
            self.query_one(OptionList).highlighted = at + max(0, len(self._entries) - before)
            if at == 0:
                self.query_one(OptionList).highlighted = 0

    def _ask_provider(self) -> None:
        self._step = "provider"
        entries = [
            _Entry(
                SERVER_TITLES.get(server.name, server.name),
                f"on this machine, free · {formats.count(len(server.models), 'model')}",
                lambda server=server: self._take_server(server),
            )
            for server in self._servers or ()
        ]
        entries += [
            _Entry(one.title, one.about, lambda one=one: self._ask_key(one)) for one in VENDORS
        ]
        demo = _Entry("Demo", "a scripted model; no key needed", self._demo)
        entries.append(demo)
        local = "looking for Ollama, llama.cpp and LM Studio on this machine …"
        if self._servers is not None:
            names = ", ".join(SERVER_TITLES.values())
            local = "" if self._servers else f"No server answers on this machine ({names})."
        question = "No provider can be used yet. Which one do you have a key for?"
        self._show(question, entries, note=local, subtitle="Enter chooses · Esc leaves")

    def _take_server(self, server: LocalServer) -> None:
        def take(model: str) -> None:
            self._begin(
                LocalChoice(provider=server.name, base_url=server.base_url, model=model), ""
            )

        if len(server.models) == 1:
            take(server.models[0])
            return
        self._step = "model"
        entries = [_Entry(model, "", lambda model=model: take(model)) for model in server.models]
        title = SERVER_TITLES.get(server.name, server.name)
        self._show(f"Which model of {title}?", entries, note=f"at {server.base_url}")

    def _ask_key(self, vendor: Vendor) -> None:
        self._step, self._vendor = "key", vendor
        choice = CloudChoice(preset=vendor.name)
        question = f"Paste your {vendor.title} key, or write env:NAME for a variable that holds it."
        note = (
            f"Keys are made at {vendor.key_page}\n"
            f"Enter tests it with one word from {formats.short_model(self._desk.model_of(choice))} "
            f"({self._desk.price_of_test(choice)}). It is kept where only you can read it, never "
            "in a project."
        )
        self._show(question, [], note=note, subtitle="Enter tests · Esc goes back")

    def _begin(self, choice: CloudChoice | LocalChoice, key: str) -> None:
        self._choice, self._key = choice, key
        self._step = "test"
        model = clean_line(formats.short_model(self._desk.model_of(choice)))
        question = f"Asking {model} for one word … ({self._desk.price_of_test(choice)})"
        self._show(question, [_Entry("Stop", "", self.action_back)], subtitle="Esc stops")
        self._test = self._run_test(choice, key)

    @work(exclusive=True, group="test", exit_on_error=False)
    async def _run_test(self, choice: CloudChoice | LocalChoice, key: str) -> None:
        try:
            trial = await self._desk.test(choice, key)
            kept = self._desk.keep(choice, key)
        except RalexError as error:
            self._tell_failure(error.message, error.hint)
        except Exception as error:
            _logger.exception("the test call failed unexpectedly")
            self._tell_failure(f"the test failed: {error}", "the log file says more")
        else:
            self._tell_success(kept, trial)

    def _tell_failure(self, message: str, hint: str) -> None:
        self._step = "failed"
        vendor = self._vendor
        entries = [_Entry("Try again", "", self._again)]
        if vendor is not None and isinstance(self._choice, CloudChoice):
            entries.append(_Entry("Another key", "", lambda: self._ask_key(vendor)))
        entries.append(_Entry("Another provider", "", self._ask_provider))
        untested = "it is written down untested"
        entries.append(_Entry("Use it all the same", untested, self._keep_anyway))
        question = Content.assemble(
            (shown(mask_secrets(message)), "$error"),
            "\n",
            (shown(mask_secrets(hint)), "$text-muted"),
        )
        self._show(question, entries)

    def _tell_success(self, kept: Kept, trial: Trial | None) -> None:
        self._step = "ready"
        if trial is None:
            question = Content("Written down untested.")
        else:
            cost = "free" if not trial.cost_usd else f"it cost {formats.usd(trial.cost_usd)}"
            name = clean_line(formats.short_model(trial.model))
            words = f"{name} answered in {formats.seconds(trial.elapsed_s)}; {cost}."
            question = Content.assemble(("✓ ", "$success"), (words, "$foreground"))
        start = _Entry("Start", "", lambda: self.dismiss(SetupDone(config=kept.config)))
        limit = kept.config.budget.daily_usd
        money = "" if limit is None else f"At most {formats.usd_cents(limit)} a day; F2 shows it.\n"
        note = money + "Written: " + ", ".join(map(_place, kept.places))
        self._show(question, [start], note=note, subtitle="Enter starts")

    def _again(self) -> None:
        if self._choice is not None:
            self._begin(self._choice, self._key)

    def _keep_anyway(self) -> None:
        if self._choice is None:
            return
        try:
            self._tell_success(self._desk.keep(self._choice, self._key), None)
        except RalexError as error:
            self._tell_failure(error.message, error.hint)

    def _demo(self) -> None:
        self.dismiss(SetupDone())

    @on(Input.Changed)
    def _unmask(self, event: Input.Changed) -> None:
        """Show the name of a variable while it is typed; it is no secret."""
        event.stop()
        event.input.password = not event.value.startswith("env:")

    @on(Input.Submitted)
    def _take_key(self, event: Input.Submitted) -> None:
        event.stop()
        if self._vendor is None or self._step != "key":
            return
        try:
            choice, key = self._desk.read_key(CloudChoice(preset=self._vendor.name), event.value)
        except RalexError as error:
            text = Content.assemble((shown(error.message), "$error"), f"\n{shown(error.hint)}")
            self.query_one("#note", Static).update(text)
            return
        self._begin(choice, key)

    @on(OptionList.OptionSelected)
    def _act(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        act = self._entries[event.option_index].act
        if act is not None:
            act()

    def action_back(self) -> None:
        """Go one step back; from the first, leave."""
        if self._step in {"provider", "ready"}:
            self.action_leave()
            return
        if self._test is not None:
            self._test.cancel()
        is_cloud = isinstance(self._choice, CloudChoice)
        if self._step in {"test", "failed"} and is_cloud and self._vendor is not None:
            self._ask_key(self._vendor)
        else:
            self._ask_provider()

    def action_leave(self) -> None:
        """Leave without a provider; one that is written down already is used."""
        if self._step == "ready":
            self._entries[0].act() if self._entries[0].act else None
            return
        if self._test is not None:
            self._test.cancel()
        self.dismiss(None)

    def _show(
        self,
        question: str | Content,
        entries: list[_Entry],
        *,
        note: str = "",
        subtitle: str = "Enter chooses · Esc goes back",
    ) -> None:
        """Show a step: a list if it has entries, else the line for the key."""
        self._entries = entries
        self.query_one(".frame", VerticalScroll).border_subtitle = subtitle
        self.query_one("#question", Static).update(question)
        self.query_one("#note", Static).update(note)
        self.query_one("#note", Static).display = bool(note)
        options, key = self.query_one(OptionList), self.query_one(Input)
        options.clear_options()
        options.add_options(self._lines())
        options.display, key.display = bool(entries), not entries
        if entries:
            options.highlighted = 0
            options.focus()
        else:
            key.value = ""
            key.focus()

    def _lines(self) -> list[Option]:
        names = [Content(shown(entry.name)) for entry in self._entries]
        column = max((name.cell_length for name in names), default=0) + 2
        width = min(self.size.width, _WIDEST) - (4 if self.size.width < WIDTHS[1][0] else 6) - 1
        return [
            Option(beside(name, shown(entry.about), name_width=column, width=width))
            for name, entry in zip(names, self._entries, strict=True)
        ]

    def on_resize(self, _event: Resize) -> None:
        """Lay out the list for the width there is."""
        options = self.query_one(OptionList)
        at = options.highlighted
        options.clear_options()
        options.add_options(self._lines())
        options.highlighted = at


def _place(path: Path) -> str:
    return shown(home_words(path))
