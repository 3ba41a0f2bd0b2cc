"""A screen with a transcript that can be read: scrolled, searched, folded and copied from."""

from __future__ import annotations  # nothing of a session is needed to read

from textual import on, work
from textual.app import App
from textual.screen import Screen

from ralex.tui.painting import ThriftyCompositor
from ralex.tui.screens.chat.copying import copied, last_code_block
from ralex.tui.screens.chat.search import Search
from ralex.tui.widgets.prompt.prompt import Prompt
from ralex.tui.widgets.transcript.items import AnswerItem, RouteItem, ToolItem
from ralex.tui.widgets.transcript.view import Transcript


class ReadingScreen(Screen[None]):
    """What the keys for reading do; transcript and prompt are composed elsewhere."""

    def __init__(self, *, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self._compositor = ThriftyCompositor()

    @property
    def transcript(self) -> Transcript:
        """The list of entries."""
        return self.query_one(Transcript)

    @property
    def host(self) -> App[None]:
        """The application."""
        return self.app  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  # Textual types it as any App

    def focus_prompt(self) -> None:
        """Go back to where the user writes."""
        raise NotImplementedError

    def copy_text(self, text: str) -> None:
        """Copy a text, and say so in words that are true."""
        self.host.copy_to_clipboard(text)
        self.notify(copied(text), markup=False, timeout=2)

    async def open_search(self, text: str = "") -> None:
        """Show the search line; it is made when it is first wanted."""
        found = self.query(Search)
        search = found.first() if found else Search(id="search")
        if not found:
            await self.mount(search, before=self.query_one(Prompt))
        search.open(text)

    async def action_search(self) -> None:
        """Search the transcript."""
        await self.open_search()

    def action_fold_newest(self) -> None:
        """Open or close the newest card."""
        item = self.transcript.newest(ToolItem) or self.transcript.newest(RouteItem)
        if item is not None:
            self.transcript.toggle_item(item)

    def action_copy_code(self) -> None:
        """Copy the last code block, or the last answer if it has none."""
        item = self.transcript.newest(AnswerItem)
        if item is None:
            self.notify("There is no answer to copy yet", markup=False, timeout=2)
        else:
            self.copy_text(last_code_block(item.source) or item.source)

    def action_page(self, step: int) -> None:
        """Scroll by a page."""
        rows = step * max(1, self.transcript.size.height - 2)
        self.transcript.scroll_to(y=self.transcript.scroll_offset.y + rows, animate=False)

    def action_jump(self, step: int) -> None:
        """Go to another message of the user."""
        self.transcript.jump_user(step)

    def action_bottom(self) -> None:
        """Go to the newest entry."""
        self.transcript.follow()

    @on(Search.Sought)
    def _seek(self, event: Search.Sought) -> None:
        """Go to a match; a new text starts at the newest."""
        event.stop()
        self.query_one(Search).tell(*self.transcript.seek(event.text, event.step))

    @on(Search.Closed)
    def _close_search(self, event: Search.Closed) -> None:
        event.stop()
        self.transcript.seek("", 0)
        self.focus_prompt()

    @on(Transcript.Left)
    def _leave_transcript(self) -> None:
        self.focus_prompt()

    @on(Transcript.Typed)
    def _write_on(self, event: Transcript.Typed) -> None:
        event.stop()
        self.query_one(Prompt).insert_pasted(event.text)

    @on(Transcript.CopyWanted)
    def _copy_entry(self, event: Transcript.CopyWanted) -> None:
        self.copy_text(event.text)

    @on(Transcript.LinkWanted)
    def _follow_link(self, event: Transcript.LinkWanted) -> None:
        event.stop()
        self._ask_about_link(event.address)

    @work(group="link", exit_on_error=False)
    async def _ask_about_link(self, address: str) -> None:
        """Show where a link leads, and open it only on the user's word."""
        from ralex.tui.screens.dialogs.link import LinkScreen  # noqa: PLC0415

        choice = await self.host.push_screen_wait(LinkScreen(address))
        if choice == "copy":
            self.copy_text(address)
        elif choice == "open":
            self.host.open_url(address)
