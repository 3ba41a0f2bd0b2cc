"""What a reply is charged when its provider does not say what it used."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from ralex.core.ids import ModelId
from ralex.core.messages import AssistantMessage
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.stream import FinishReason, ReasoningDelta, StreamFinished, TextDelta
from ralex.core.usage import Usage
from ralex.dispatch.billing import Heard, bill

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MODEL = ModelInfo(
    id=ModelId("acme/fast"),
    provider="acme",
    name="fast",
    price=flat_price(Rates(input=Decimal(1), output=Decimal(10))),
)
CAP = 4_000


def heard(*, usage: Usage | None = None, reasoning: str = "", is_whole: bool = True) -> Heard:
    came = Heard()
    if reasoning:
        came.take(ReasoningDelta(text=reasoning))
    came.take(TextDelta(text="a short answer"))
    if is_whole:
        came.take(
            StreamFinished(
                message=AssistantMessage(text="a short answer"),
                finish_reason=FinishReason.STOP,
                usage=usage,
                cost_usd=None,
                model="fast",
            )
        )
    return came


def output_tokens(came: Heard, *, reasoning: bool | None) -> int:
    charge = bill(
        came,
        replace(MODEL, reasoning=reasoning),
        input_tokens=1_000,
        most_output_tokens=CAP,
        counterfactual=None,
        now=NOW,
    )
    assert charge.usage is not None
    return charge.usage.output_tokens


def test_the_providers_own_count_is_taken_as_it_is() -> None:
    came = heard(usage=Usage(input_tokens=900, output_tokens=7))

    assert output_tokens(came, reasoning=True) == 7


def test_a_reply_without_usage_may_have_cost_all_that_its_model_could_think() -> None:
    assert output_tokens(heard(), reasoning=True) == CAP


@pytest.mark.parametrize("reasoning", [None, False])
def test_a_reply_without_usage_of_a_model_that_does_not_reason_is_counted(
    reasoning: bool | None,
) -> None:
    assert 0 < output_tokens(heard(), reasoning=reasoning) < 200


def test_reasoning_that_was_heard_is_counted() -> None:
    said = output_tokens(heard(), reasoning=False)

    assert said < output_tokens(heard(reasoning="hm " * 200), reasoning=True) < CAP


def test_what_the_user_stops_is_counted_not_charged_in_full() -> None:
    assert output_tokens(heard(is_whole=False), reasoning=True) < 200
