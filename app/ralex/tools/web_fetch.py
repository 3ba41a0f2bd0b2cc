"""Fetch a page of the web and give its text."""

import asyncio
from collections.abc import Mapping

from ralex.core.messages import ToolSpec
from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.params import URL_ALIASES, Param, Params
from ralex.tools.titles import title_from

USAGE = "web_fetch URL: text of a web page"

_PARAMS = Params(Param(name="url", required=True, aliases=URL_ALIASES))


def read_url(text: str) -> Mapping[str, object]:
    """Take the whole input as the address."""
    return {"url": text}


class WebFetchTool:
    """Fetches pages.

    Args:
        allow_private: Private addresses and this machine may be asked.
    """

    def __init__(self, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private

    @property
    def spec(self) -> ToolSpec:
        """Name, description and schema for the model."""
        return ToolSpec(
            name="web_fetch",
            description="Fetch a web page and give its text.",
            schema_json=_PARAMS.schema_json,
        )

    @property
    def is_mutating(self) -> bool:
        """It only reads; the mode ask asks all the same, because a request can carry data out."""
        return False

    def title(self, arguments: Mapping[str, object]) -> str:
        """Give the address."""
        return title_from(arguments, ("url", *URL_ALIASES), "web_fetch")

    async def run(self, arguments: Mapping[str, object], context: ToolContext) -> ToolOutcome:
        """Fetch a page; an answer that is no success is an outcome marked as an error.

        Raises:
            ToolError: If it may not or cannot be fetched, or is no text.
        """
        # Most sessions fetch nothing, and an HTTP client takes its time to load.
        from ralex.tools.web_client import TOTAL_S, Fetch  # noqa: PLC0415
        from ralex.tools.web_page import page_outcome  # noqa: PLC0415

        fetch = Fetch(_PARAMS.coerce(arguments).text("url"), allow_private=self._allow_private)
        try:
            async with asyncio.timeout(TOTAL_S + 5):
                answer = await asyncio.to_thread(fetch.run)
        except TimeoutError:
            raise ToolError(f"{fetch.url} did not come within {TOTAL_S:g} s") from None
        finally:
            fetch.stop()
        return await asyncio.to_thread(page_outcome, answer, context)
