"""Arguments that cannot be meant are refused by name; what the caller owns stays the caller's."""

from decimal import Decimal
from pathlib import Path

import pytest
from typing_extensions import override

import ralex
from ralex.errors import UsageError
from ralex.providers.scripted import ScriptedProvider, ScriptedStep
from tests.agent.stand import make_config

HI = [{"role": "user", "content": "hi"}]
FINE = ScriptedStep(text="fine", usage=ralex.Usage(input_tokens=1_000, output_tokens=100))


@pytest.mark.parametrize("cap", [0, -1])
async def test_a_cap_that_allows_nothing_is_refused_and_nothing_is_sent(
    tmp_path: Path, cap: int
) -> None:
    provider = ScriptedProvider([FINE])
    async with ralex.Client(config=make_config(tmp_path), providers={"test": provider}) as client:
        with pytest.raises(UsageError, match="max_tokens"):
            await client.complete("test/cheap", HI, max_tokens=cap)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("model", "facts", "says"),
    [
        ("acme/x", {"input": -1, "output": 1}, "input=-1"),
        ("acme/x", {"input": 1, "output": float("nan")}, "output=nan"),
        ("acme/x", {"input": float("inf"), "output": 1}, "input=inf"),
        ("acme/x", {"input": "1", "output": 1}, "input='1'"),
        ("acme/x", {"input": True, "output": 1}, "input=True"),
        ("acme/x", {"input": 1}, "belong together"),
        ("acme/x", {"output": Decimal(1)}, "belong together"),
        ("acme/x", {"context_window": 0}, "context_window=0"),
        ("acme/x", {"max_output_tokens": 1.5}, "max_output_tokens=1.5"),
        ("x", {"input": 1, "output": 1}, "'x' names no model"),
        ("acme/", {}, "names no model"),
    ],
)
def test_a_model_that_cannot_be_is_not_registered(
    model: str, facts: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        ralex.Client().register_model(model, **facts)  # pyright: ignore[reportArgumentType]  # odd on purpose
    assert says in caught.value.message


class Counting(ScriptedProvider):
    closed = 0

    @override
    async def aclose(self) -> None:
        self.closed += 1


def test_a_callers_own_provider_is_never_closed_and_serves_again(tmp_path: Path) -> None:
    provider = Counting([FINE, FINE])
    client = ralex.Client(config=make_config(tmp_path), providers={"test": provider})
    for _ in range(2):
        assert client.complete_sync("test/cheap", HI, share=False).text == "fine"
    assert provider.closed == 0
