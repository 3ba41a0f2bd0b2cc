"""What every conversation begins with is small: system prompt and tools, in the bytes sent."""

import json
from collections.abc import Callable

import pytest

from ralex.agent.sizing import RequestSizer, message_text
from ralex.core.messages import ModelRequest
from ralex.providers import anthropic_request, chat_request
from ralex.providers.flavours import Flavour
from tests.agent.script import DONE, HELLO
from tests.agent.stand import Stand, model, play
from tests.tokenizer import real_tokenizer

MOST_TOKENS = 2_500


def as_chat(request: ModelRequest) -> bytes:
    return chat_request.write_request(request, Flavour(), provider="test")


def as_anthropic(request: ModelRequest) -> bytes:
    return anthropic_request.write_request(request, provider="test", caches_alone=False)


@pytest.fixture
async def request_sent(stand: Stand) -> ModelRequest:
    session = await stand.open([DONE])
    await play(session, HELLO)
    return stand.provider.requests[0]


async def test_prompt_and_tools_stay_within_2500_tokens_by_estimate(
    request_sent: ModelRequest,
) -> None:
    sizer, one = RequestSizer(request_sent.tools), model("cheap", "0.1")

    assert 0 < sizer.estimate(request_sent.messages[:1], one) <= MOST_TOKENS


@pytest.mark.parametrize("write", [as_chat, as_anthropic], ids=["chat", "anthropic"])
async def test_prompt_and_tools_stay_within_2500_tokens_of_a_real_tokenizer(
    request_sent: ModelRequest, write: Callable[[ModelRequest], bytes]
) -> None:
    tokenizer = real_tokenizer()
    system = message_text(request_sent.messages[0])
    tools = json.dumps(json.loads(write(request_sent))["tools"], separators=(",", ":"))
    real = len(tokenizer.encode(system)) + len(tokenizer.encode(tools))
    estimate = RequestSizer(request_sent.tools).estimate(
        request_sent.messages[:1], model("cheap", "0.1")
    )

    assert 0 < real <= MOST_TOKENS
    assert 0.9 * real <= estimate <= 1.2 * real
