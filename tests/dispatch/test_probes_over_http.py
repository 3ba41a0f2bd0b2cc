"""The same probes over a real socket, where the bytes are what a provider sends."""

import pytest

from ralex.core.stream import TextDelta
from ralex.errors import ProviderError, StreamCutError
from ralex.store.ledger import SqliteLedger
from tests.dispatch.desk import FINE, PaperDesk, call_of, candidate
from tests.providers.conftest import Ask
from tests.providers.loopback import STREAM_HEAD, Serve, chat_chunk, event, json_http, serve

__all__ = ["serve"]

USAGE = {"prompt_tokens": 10, "completion_tokens": 0, "total_tokens": 10}
NO_CHOICES = json_http({"id": "1", "model": "m", "choices": [], "usage": USAGE})
SAID_NOTHING = {
    "id": "1",
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": ""}, "finish_reason": "stop"}
    ],
}
EMPTY_TEXT = json_http({**SAID_NOTHING, "usage": USAGE})
NO_CHOICES_STREAM = STREAM_HEAD + event({"choices": [], "usage": USAGE}) + event("[DONE]")


@pytest.mark.parametrize(
    "answer",
    [NO_CHOICES, EMPTY_TEXT, NO_CHOICES_STREAM],
    ids=["no choices", "empty text", "stream without choices"],
)
async def test_an_answer_without_content_goes_to_the_fallback(
    ledger: SqliteLedger, serve: Serve, answer: bytes
) -> None:
    desk = PaperDesk(ledger, b=[FINE])
    async with serve(answer) as server:
        provider = Ask().provider(server.url)
        desk.route_to({"a": provider, "b": desk.providers["b"]})
        result = await desk.run(candidate("a/one"), candidate("b/two"), refuses_empty=True)
        await provider.aclose()
    assert result.model.id == "b/two"
    assert len(server.requests) == 1
    assert desk.waits == []


async def test_five_words_before_a_cut_reach_the_caller(ledger: SqliteLedger, serve: Serve) -> None:
    words = "one two three four five"
    answer = STREAM_HEAD + b"".join(chat_chunk(word + " ") for word in words.split())
    desk = PaperDesk(ledger)
    async with serve(answer) as server:
        provider = Ask().provider(server.url)
        desk.route_to({"a": provider})
        with pytest.raises(ProviderError) as caught:
            await desk.dispatcher.run(call_of(candidate("a/one")), desk.note)
        await provider.aclose()
    assert isinstance(caught.value, StreamCutError)
    text = "".join(part.text for part in desk.events if isinstance(part, TextDelta))
    assert text.split() == words.split()
    assert len(server.requests) == 1


async def test_an_empty_reply_without_a_count_is_billed_by_estimate_and_not_held(
    ledger: SqliteLedger, serve: Serve
) -> None:
    desk = PaperDesk(ledger, b=[FINE])
    async with serve(json_http(SAID_NOTHING)) as server:
        provider = Ask().provider(server.url)
        desk.route_to({"a": provider, "b": desk.providers["b"]})
        result = await desk.run(candidate("a/one"), candidate("b/two"), refuses_empty=True)
        await provider.aclose()
    assert result.budget.held_usd == 0
    assert result.budget.spent_usd > result.cost_usd
