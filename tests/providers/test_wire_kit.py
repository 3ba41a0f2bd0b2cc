"""Adapters against recorded traffic of real providers, whole and broken in every known way.

The recordings, the replay server and the judge belong to a kit beside the checkout.
"""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Protocol, cast

import pytest

from tests.conftest import SHARED
from tests.providers.wire_driver import APIS, Job, Result, answer_all

KIT = SHARED / "wire"
TOOLS = KIT / "tools"

pytestmark = pytest.mark.skipif(not TOOLS.is_dir(), reason="the kit of recordings is not here")

Recording = Mapping[str, object]

OWN_READING = {
    "cloudflare-openai-chat-0940a302ad": "an answer that is an object is kept, as JSON",
    "cloudflare-openai-chat-a8a2f858bc": "an answer that is an object is kept, as JSON",
    "snowflake-openai-chat-6a8d4e5014": "an empty function_call is no call",
    "snowflake-openai-chat-b02228f478": "an empty function_call is no call",
    "snowflake-openai-chat-c5a289f2d0": "an empty function_call is no call",
    "azure-openai-chat-08e4235015": "cached tokens beyond the prompt stand beside it",
    "azure-openai-chat-1597ed66ca": "cached tokens beyond the prompt stand beside it",
    "azure-openai-chat-67caa93470": "cached tokens beyond the prompt stand beside it",
    "azure-openai-chat-6875c4f496": "cached tokens beyond the prompt stand beside it",
    "azure-openai-chat-d1a26776cb": "cached tokens beyond the prompt stand beside it",
    "azure-openai-chat-f662466172": "cached tokens beyond the prompt stand beside it",
    "openrouter-openai-chat-ea9c394dda": "tokens written and read in one call are read once",
    "google-gemini-019447d411": "arguments in pieces are not asked for, and no calls",
    "google-gemini-93b0205a4c": "arguments in pieces are not asked for, and no calls",
    "google-gemini-7db9e3a8ca": "a description of a cache is no answer",
    "google-vertex-gemini-94fa95f23b": "an unexpected tool call is an error",
    "google-vertex-gemini-33bf5a3ab6": "no counts are not counts of zero",
    "anthropic-anthropic-messages-0be7e43927": "three answers put together by hand",
    "anthropic-anthropic-messages-6bfb783814": "two answers put together by hand",
    "anthropic-anthropic-messages-15813c990e": "calls count, whatever the stop reason says",
}
"""Recordings that ralex reads differently from the vendors' SDKs, on purpose."""


class Replay(Protocol):
    """The kit's replay server."""

    RECS: dict[str, Recording]

    def load(self, folder: str) -> None: ...
    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...


class Judge(Protocol):
    """The kit's scorer."""

    FIELDS: Sequence[str]

    def same(
        self, field: str, expected: object, result: Mapping[str, object], recording: Recording
    ) -> bool: ...


class Matrix(Protocol):
    """The kit's fault matrix."""

    BENIGN: Sequence[str]
    HOSTILE: Sequence[str]
    EITHER: Sequence[str]
    ONLY: Mapping[str, Sequence[str]]
    WANT: Mapping[str, str]


def load(name: str) -> ModuleType:
    """Import a tool of the kit under its own name, so that its tools find each other."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="module")
def replay() -> Replay:
    server = cast("Replay", cast("object", load("replay_server")))
    server.load(str(KIT))
    return server


@pytest.fixture(scope="module")
def judge(replay: Replay) -> Judge:
    return cast("Judge", cast("object", load("score")))


@pytest.fixture(scope="module")
def matrix(judge: Judge) -> Matrix:
    return cast("Matrix", cast("object", load("faults")))


@asynccontextmanager
async def running(replay: Replay) -> AsyncGenerator[str, None]:
    listening = await asyncio.start_server(replay.one, "127.0.0.1", 0, limit=1 << 20)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


def job_of(recording: Recording, url: str, options: str) -> Job:
    request = cast("Mapping[str, object]", recording["request"])
    base = f"{url}/r/{recording['id']}" + (f",{options}" if options else "")
    return {
        "id": recording["id"],
        "provider": recording["provider"],
        "api": recording["api"],
        "stream": "sse_text" in cast("Mapping[str, object]", recording["response"]),
        "base": base,
        "path": request["path"],
        "request": request["json"],
    }


@pytest.mark.parametrize("options", ["", "chunk=rand:1"], ids=["whole", "split anywhere"])
@pytest.mark.parametrize("api", sorted(APIS))
async def test_recorded_replies_are_read_as_the_vendors_sdks_read_them(
    replay: Replay, judge: Judge, api: str, options: str
) -> None:
    recordings = [one for one in replay.RECS.values() if one["api"] == api]
    assert recordings
    async with running(replay) as url:
        results = await answer_all([job_of(one, url, options) for one in recordings])
    misses = {
        str(one["id"])
        for one, result in zip(recordings, results, strict=True)
        if not all(judge.same(field, one["expect"], result, one) for field in judge.FIELDS)
    }
    assert misses == {name for name in OWN_READING if f"-{api}-" in name}


@pytest.mark.parametrize("api", sorted(APIS))
async def test_faults_never_look_like_success_and_oddities_never_like_faults(
    replay: Replay, judge: Judge, matrix: Matrix, api: str
) -> None:
    cases = [
        (recording, fault, group)
        for group, faults in (
            ("benign", matrix.BENIGN), ("either", matrix.EITHER), ("hostile", matrix.HOSTILE)
        )
        for fault in faults
        if api in matrix.ONLY.get(fault, (api,))
        for recording in picked(replay, api)
    ]  # fmt: skip
    async with running(replay) as url:
        results = await answer_all([job_of(one, url, fault) for one, fault, _ in cases])
    wrong = [
        (fault, verdict)
        for (recording, fault, group), result in zip(cases, results, strict=True)
        if not is_as_required(
            verdict := verdict_on(judge, recording, result), group, matrix.WANT.get(fault)
        )
    ]
    assert not wrong


def picked(replay: Replay, api: str) -> list[Recording]:
    """Choose two good streams: one with tool calls if there is one, and one without."""

    def is_good(one: Recording) -> bool:
        response = cast("Mapping[str, object]", one["response"])
        expected = cast("Mapping[str, object]", one["expect"])
        text = str(response.get("sse_text", ""))
        whole = response["status"] == 200 and not expected["error"] and not expected["truncated"]
        is_common = one["api"] == api and one["id"] not in OWN_READING
        return is_common and whole and len(text) > 1500

    good = sorted(
        (one for one in replay.RECS.values() if is_good(one)),
        key=lambda one: ("tools" not in str(one["kind"]), str(one["id"])),
    )
    plain = [one for one in good if "tools" not in str(one["kind"])]
    return good[:1] + plain[:1]


def verdict_on(judge: Judge, recording: Recording, result: Result) -> str:
    error = cast("Mapping[str, object] | None", result.get("error"))
    if error:
        return f"ERR:{error['category']}"
    fields = ("text", "tool_calls", "usage", "finish_reason")
    expected = recording["expect"]
    return "OK" if all(judge.same(f, expected, result, recording) for f in fields) else "WRONG"


def is_as_required(verdict: str, group: str, wanted: str | None) -> bool:
    if group == "benign":
        return verdict == "OK"
    if group == "either":
        return verdict == "OK" or verdict.startswith("ERR")
    if wanted is not None:
        return verdict == f"ERR:{wanted}"
    return verdict.startswith("ERR")


def test_every_own_reading_is_a_recording_of_the_kit(replay: Replay) -> None:
    assert set(OWN_READING) <= set(replay.RECS)
    assert Path(KIT / "INDEX.jsonl").is_file()
