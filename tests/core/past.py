"""Past turns for tests, in few words."""

from decimal import Decimal

from ralex.core.escalation import EvidenceKind
from ralex.core.ids import ModelId, SessionId, TurnId
from ralex.core.tiers import Tier
from ralex.core.turn_log import Mark, MarkKind, PastCall, PastRoute, PastTurn
from ralex.core.usage import Usage

CHANGE = Mark(kind=MarkKind.CHANGE)
ADVICE = Mark(kind=MarkKind.ADVICE)
STEP_UP = Mark(kind=MarkKind.STEP_UP)
PASSED = Mark(kind=MarkKind.CHECK_PASSED)
CHEAP, SMART = ModelId("acme/cheap"), ModelId("bolt/smart")


def seen(kind: EvidenceKind) -> Mark:
    return Mark(kind=MarkKind.EVIDENCE, evidence=kind)


FAILED = seen(EvidenceKind.FAILED_CHECK)
COMPLAINT = seen(EvidenceKind.COMPLAINT)


def turn(
    *marks: Mark,
    session: str = "s1",
    follows: bool = False,
    result: str = "done",
    undone: bool = False,
    tier: Tier | None = Tier.SIMPLE,
    model: ModelId = CHEAP,
    reason: str = "score",
    ask: str = "hi",
    cost: str = "0.01",
    calls: tuple[PastCall, ...] = (),
    number: int = 0,
) -> PastTurn:
    return PastTurn(
        session_id=SessionId(session),
        turn_id=TurnId(f"t{number}"),
        started_s=1_795_000_000.0 + number,
        ask=ask,
        route=PastRoute(
            router="mine", tier=tier, model=model, reason=reason, continues_task=follows
        ),
        request_tokens=2_000,
        calls=calls,
        marks=marks,
        result=result,
        cost_usd=Decimal(cost),
        is_undone=undone,
    )


def call(
    model: ModelId = CHEAP, *, tier: Tier = Tier.SIMPLE, tokens: int = 1_000_000, cost: str = "0.1"
) -> PastCall:
    return PastCall(
        model=model,
        tier=tier,
        usage=Usage(input_tokens=tokens),
        cost_usd=Decimal(cost),
        at_s=1_795_000_000.0,
    )
