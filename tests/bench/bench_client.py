"""A library call against the same request by bare httpx: processor time of the whole process.

Both sides read the same streamed answer of a loopback server that is a process of its own. Ralex's
side includes what a paid call is made of: three transactions of the ledger and the price.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.e2e.model_server import Answer, ModelServer  # noqa: E402

CALLS = 200
ROUNDS = 5
MODEL = "gpt-5.4-mini"


def ask(number: int) -> list[dict[str, object]]:
    """Make the messages of a call; each is another, so that none is shared."""
    return [{"role": "user", "content": f"What is {number} and {number}?"}]


async def with_ralex() -> float:
    """Give the CPU seconds of a call through the library."""
    import ralex  # noqa: PLC0415

    async with ralex.Client() as client:
        for number in range(-5, 0):
            await client.complete(f"openai/{MODEL}", ask(number))
        started = time.process_time()
        for number in range(CALLS):
            await client.complete(f"openai/{MODEL}", ask(number))
        return (time.process_time() - started) / CALLS


async def with_httpx() -> float:
    """Give the CPU seconds of a call by hand, its events parsed."""
    import httpx  # noqa: PLC0415

    async with httpx.AsyncClient(base_url=os.environ["OPENAI_BASE_URL"]) as client:

        async def one(number: int) -> str:
            text = ""
            body = {"model": MODEL, "stream": True, "messages": ask(number)}
            async with client.stream("POST", "/chat/completions", json=body) as response:
                async for line in response.aiter_lines():
                    if line.startswith("data: {"):
                        for choice in json.loads(line[6:])["choices"]:
                            text += choice["delta"].get("content") or ""
            return text

        for number in range(-5, 0):
            await one(number)
        started = time.process_time()
        for number in range(CALLS):
            await one(number)
        return (time.process_time() - started) / CALLS


def cost_of(side: str, environment: dict[str, str]) -> float:
    """Run one side in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, side],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    """Print the ratio for short and for long answers."""
    for words in (2, 200):
        answer = Answer(text=" ".join(["word"] * words))
        with ModelServer([answer]) as server, tempfile.TemporaryDirectory() as home:
            environment = {
                **os.environ,
                "HOME": home,
                "RALEX_HOME": str(Path(home) / "ralex"),
                "OPENAI_BASE_URL": server.url,
                "OPENAI_API_KEY": "sk-bench",
                "RALEX_DAILY_USD": "1000",
            }
            pairs = [
                (cost_of("ralex", environment), cost_of("httpx", environment))
                for _ in range(ROUNDS)
            ]
        ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(
            f"{f'call, {words} pieces':34} {ours * 1000:7.2f} ms             {ratio:5.2f} x httpx "
            f"({theirs * 1000:.2f} ms)   hold: 1.5 x"
        )


if __name__ == "__main__":
    sides = {"ralex": with_ralex, "httpx": with_httpx}
    if len(sys.argv) > 1:
        print(asyncio.run(sides[sys.argv[1]]()))
    else:
        main()
