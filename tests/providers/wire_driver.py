"""Drives ralex's adapters for a kit of recorded traffic: one JSON job per line in, one result out.

Two readings differ on purpose between ralex and the SDKs that wrote the expectations, and are
turned back here: ralex shows a refusal as text, and splits ``<think>`` from an answer.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import cast

from ralex.config.model import ProviderConfig, Timeouts
from ralex.core.messages import ModelRequest, UserMessage
from ralex.core.models import Api
from ralex.core.stream import StreamFinished
from ralex.core.usage import Usage
from ralex.errors import ProviderError, RalexError
from ralex.providers.faults import is_overflow
from ralex.providers.openai_chat import OpenAIChat
from ralex.providers.registry import Provider, build_provider

APIS = {
    "openai-chat": (Api.OPENAI_CHAT, "/chat/completions"),
    "mistral-chat": (Api.MISTRAL, "/chat/completions"),
    "openai-responses": (Api.OPENAI_RESPONSES, "/responses"),
    "gemini": (Api.GEMINI, "/models/"),
    "anthropic-messages": (Api.ANTHROPIC, "/messages"),
}
TIMEOUTS = Timeouts(connect_s=5, first_byte_s=20, idle_s=20)

Job = Mapping[str, object]
Result = dict[str, object]


async def answer(job: Job) -> Result:
    """Send one job's request through ralex and report what it makes of the reply."""
    try:
        provider, request = _prepared(job)
        try:
            reply = await _reply(provider, request)
        finally:
            await provider.aclose()
    except RalexError as error:
        return {"id": job["id"], "error": {"category": _category(error), "message": str(error)}}
    return {"id": job["id"], **_told(reply)}


def _prepared(job: Job) -> tuple[Provider, ModelRequest]:
    api, suffix = APIS.get(str(job["api"]), (Api.SCRIPTED, ""))
    path, _, query = str(job["path"]).partition("?")
    folder = path.rpartition(suffix)[0] if suffix else path
    base_url = f"{job['base']}{folder}"
    if query and api is not Api.GEMINI:
        base_url += f"?{query}"
    config = ProviderConfig(
        name=str(job["provider"]), api=api, base_url=base_url, api_key="sk-test-000000"
    )
    sent = cast("Mapping[str, object]", job.get("request") or {})
    request = ModelRequest(
        model=str(sent.get("model", "model")),
        messages=(UserMessage(text="hi"),),
        max_output_tokens=1000,
        stream=bool(job["stream"]),
        session_id="session-1",
    )
    provider = build_provider(config, TIMEOUTS)
    if isinstance(provider, OpenAIChat):
        provider._splits_thinking = False
    return provider, request


async def _reply(provider: Provider, request: ModelRequest) -> StreamFinished:
    reply: StreamFinished | None = None
    async with provider.stream(request) as parts:
        async for part in parts:
            if isinstance(part, StreamFinished):
                reply = part
    assert reply is not None, "a stream ended without StreamFinished and without an error"
    return reply


def _told(reply: StreamFinished) -> Result:
    message = reply.message
    return {
        "text": message.text.replace(reply.refusal, "") if reply.refusal else message.text,
        "reasoning": message.reasoning,
        "tool_calls": [
            {"id": call.id, "name": call.name, "arguments": _parsed(call.arguments_json)}
            for call in message.tool_calls
        ],
        "finish_reason": reply.finish_reason.value,
        "usage": None if reply.usage is None else _inclusive(reply.usage),
        "cost_usd": None if reply.cost_usd is None else float(reply.cost_usd),
        "error": None,
    }


def _inclusive(usage: Usage) -> Mapping[str, int]:
    """Convert ralex's disjoint buckets to the kit's, where input includes the cache."""
    return {
        "input": usage.total_input_tokens,
        "output": usage.output_tokens,
        "cached": usage.cache_read_tokens,
        "cache_write": usage.cache_write_tokens,
        "reasoning": usage.reasoning_tokens,
    }


def _parsed(arguments_json: str) -> object:
    try:
        return cast("object", json.loads(arguments_json))
    except ValueError:
        return None


def _category(error: RalexError) -> str:
    if isinstance(error, ProviderError) and error.status == 413 and not is_overflow(error.message):
        return "too_large"
    return {"stream_cut": "stream_error", "malformed_reply": "stream_error"}.get(
        error.code, error.code
    )


async def answer_all(jobs: Sequence[Job], *, at_once: int = 4) -> list[Result]:
    """Answer many jobs, a few at a time."""
    gate = asyncio.Semaphore(at_once)

    async def gated(job: Job) -> Result:
        async with gate:
            return await answer(job)

    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(gated(job)) for job in jobs]
    return [task.result() for task in running]


async def _main() -> None:
    while line := await asyncio.to_thread(sys.stdin.readline):
        result = await answer(cast("Job", json.loads(line)))
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    asyncio.run(_main())
