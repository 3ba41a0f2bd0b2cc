"""Events survive the way to JSON and back, whichever version wrote them."""

import json
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ralex.core.codec import event_from_json, event_name, event_to_json, to_jsonable
from ralex.core.events import (
    AgentEvent,
    RouteDecided,
    ToolCallFinished,
    TurnFailed,
)
from ralex.core.ids import CallId, ModelId
from ralex.core.routing import RouteDecision, RouteReason
from ralex.core.stream import TextDelta
from ralex.core.tiers import Tier
from ralex.errors import UnreadableEventError

EVENT_KINDS: tuple[type[AgentEvent], ...] = get_args(AgentEvent)

st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=9))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def route() -> RouteDecision:
    return RouteDecision(
        router="openrouter",
        tier=Tier.SIMPLE,
        model=ModelId("acme/fast"),
        reason=RouteReason.SCORE,
        reasons=("score 0.1",),
        estimated_usd=Decimal("0.000000001"),
    )


@pytest.mark.parametrize("kind", EVENT_KINDS, ids=lambda kind: kind.__name__)
def test_every_event_comes_back_from_json_as_it_was(kind: type[AgentEvent]) -> None:
    @settings(max_examples=40)
    @given(event=st.builds(kind))
    def check(event: AgentEvent) -> None:
        text = json.dumps(event_to_json(event))
        assert event_from_json(json.loads(text)) == event

    check()


@pytest.mark.parametrize("kind", EVENT_KINDS, ids=lambda kind: kind.__name__)
def test_fields_with_a_default_may_be_missing(kind: type[AgentEvent]) -> None:
    @settings(max_examples=5)
    @given(event=st.builds(kind))
    def check(event: AgentEvent) -> None:
        encoded = event_to_json(event)
        optional = [one.name for one in fields(kind) if one.default is not MISSING]
        for name in optional:
            del encoded[name]
        read = event_from_json(encoded)
        assert all(
            getattr(read, one.name) == one.default for one in fields(kind) if one.name in optional
        )

    check()


def test_the_type_comes_first_and_is_in_snake_case() -> None:
    event = RouteDecided(route=route())

    encoded = event_to_json(event)

    assert next(iter(encoded.items())) == ("type", "route_decided")
    assert event_name(TextDelta(text="")) == "text_delta"


def test_money_is_text_without_an_exponent() -> None:
    encoded = to_jsonable(route())

    assert isinstance(encoded, dict)
    assert encoded["estimated_usd"] == "0.000000001"


def test_unknown_fields_are_passed_over_at_every_depth() -> None:
    encoded = event_to_json(RouteDecided(route=route()))
    inner = encoded["route"]
    assert isinstance(inner, dict)
    inner["colour"] = "green"
    encoded["later"] = [1]

    assert event_from_json(encoded) == RouteDecided(route=route())


def test_an_unknown_type_is_an_error_that_names_it() -> None:
    with pytest.raises(UnreadableEventError, match="mind_read"):
        event_from_json({"type": "mind_read"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("is_error", 1),
        ("elapsed_ms", 1.5),
        ("elapsed_ms", True),
        ("output", None),
        ("exit_code", "0"),
        ("files_changed", "a.py"),
        ("files_changed", [1]),
    ],
)
def test_a_value_of_the_wrong_kind_is_an_error_that_names_its_field(
    field: str, value: object
) -> None:
    event = ToolCallFinished(
        call_id=CallId("c"),
        name="bash",
        output="",
        is_error=False,
        summary="",
        elapsed_ms=1,
    )
    encoded = event_to_json(event) | {field: value}

    with pytest.raises(UnreadableEventError, match=field):
        event_from_json(encoded)


@pytest.mark.parametrize("amount", ["a lot", 1.5, None, []])
def test_an_amount_that_is_no_decimal_text_is_an_error(amount: object) -> None:
    encoded: dict[str, object] = {
        "type": "turn_failed",
        "turn_id": "t",
        "code": "",
        "message": "",
        "hint": "",
        "exit_code": 1,
        "text": "",
        "model": None,
        "tier": None,
        "steps": 0,
        "usage": {},
        "cost_usd": amount,
        "saved_usd": None,
        "budget": None,
        "files_changed": [],
    }

    with pytest.raises(UnreadableEventError, match="cost_usd"):
        event_from_json(encoded)
    assert isinstance(event_from_json(encoded | {"cost_usd": "1"}), TurnFailed)


def test_a_missing_required_field_is_an_error() -> None:
    with pytest.raises(UnreadableEventError, match="text"):
        event_from_json({"type": "text_delta"})


def test_a_value_without_a_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set"):
        to_jsonable({1, 2})


@given(data=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_data_brings_up_anything_but_the_one_error(data: object) -> None:
    for kind in ("turn_started", "route_decided", "step_finished", "nothing"):
        try:
            event_from_json({"type": kind, "prompt": data, "route": data, "usage": data})
        except UnreadableEventError:
            continue
        pytest.fail("half an event was taken for one")
