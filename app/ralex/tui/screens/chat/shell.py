"""``!command``: a command of the user's own, run in the place of a turn."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ralex.tui.rows import shown, shown_line

if TYPE_CHECKING:
    from ralex.tui.ports import ChatSession
    from ralex.tui.screens.chat.screen import ChatScreen
    from ralex.tui.widgets.transcript.items import AnyItem
    from ralex.tui.widgets.transcript.scribe import Scribe


def shell_work(
    screen: "ChatScreen", command: str, *, is_shared: bool
) -> "Callable[[ChatSession, Scribe], Awaitable[AnyItem | None]]":
    """Make what runs a command and shows it as a card, at once and as it ends."""

    async def work(session: "ChatSession", scribe: "Scribe") -> "AnyItem | None":
        from ralex.tui.widgets.transcript.items import ToolItem, ToolState  # noqa: PLC0415
        from ralex.tui.widgets.transcript.scribe import shell_item  # noqa: PLC0415

        card = ToolItem(
            call_id="",
            name="!" if is_shared else "!!",
            title=shown_line(command),
            arguments={"command": shown(command)},
            is_open=True,
        )
        screen.show(card)
        scribe.running.begin(card)
        try:
            ran = await session.run_shell(
                command, is_shared=is_shared, watch=lambda event: scribe.running.grow(card, event)
            )
            done = shell_item(ran)
        except asyncio.CancelledError:
            card.state, card.summary = ToolState.UNKNOWN, "stopped; what it printed is kept"
            raise
        except BaseException:
            card.state, card.summary = ToolState.FAILED, "not run"
            raise
        else:
            card.state, card.summary, card.output = done.state, done.summary, done.output
            card.exit_code, card.elapsed_ms = done.exit_code, done.elapsed_ms
            card.is_open = True
            return None
        finally:
            scribe.running.end(card)
            screen.transcript.update_item(card)

    return work
