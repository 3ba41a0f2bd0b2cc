"""Replays recorded outcomes of whole tasks through ralex's own escalation policy.

Run it with ``python -m tests.bench.replay_outcomes FILE.jsonl``. Each line of the file is a task
with what several models, each on its own, made of it:
``{"prompt", "outcomes": {model: {"ok", "cost_usd"}}}``.

The policy is the real one (``core.escalation.consider``); the models, their outcomes and bills are
the recorded ones. Nothing is drawn at random: both branches of every notice are followed, each with
its weight, so that the figures are exact expectations.

What has to be assumed, because nobody recorded it:

- a failed attempt is noticed with probability ``d``, a good one rejected with ``f``;
- advice never helps (``--helps`` says otherwise), which the policy learns as it goes; it costs one
  call to the adviser at list price, with the brief that ralex would write of this ask, the longest
  failure and the longest diff, and half of the advised model's bill again for trying it;
- what was noticed once is noticed again after the advice, as a failing check goes on failing;
- who takes over begins anew and pays its whole recorded bill.
"""

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypedDict, cast

from ralex.agent.advice import advice_request
from ralex.agent.evidence import TaskRecord
from ralex.agent.sizing import RequestSizer
from ralex.config.catalogue import load_catalogue
from ralex.config.model_table import load_standings
from ralex.core.chains import Market
from ralex.core.escalation import AdviceLog, EscalationAction, Evidence, EvidenceKind, consider
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo, Rates
from ralex.core.pricing import flat_price
from ralex.core.routing import EXPECTED_OUTPUT_TOKENS, Router, TaskState, escalated
from ralex.core.tiers import Tier

LONG = "E   assert left == right\n" * 400
REWORK = 0.5
NOW = datetime(2025, 12, 1, tzinfo=UTC)

RECORDED: dict[ModelId, str] = {
    ModelId("openrouter/deepseek/deepseek-v3.2"): "deepseek-v3.2-reasoner",
    ModelId("openrouter/openai/gpt-5-mini"): "gpt-5-mini-2025-08-07",
    ModelId("openrouter/anthropic/claude-opus-4.5"): "claude-opus-4-5-20251101",
    ModelId("openrouter/google/gemini-3-pro-preview"): "gemini-3-pro-preview",
    ModelId("openrouter/openai/gpt-5"): "gpt-5-2025-08-07",
}
"""The catalogue's models, and what the recordings call them."""

DEEPSEEK, MINI, OPUS, GEMINI, GPT5 = RECORDED

LIST_PRICES = {MINI: ("0.25", "2"), GEMINI: ("2", "12"), GPT5: ("1.25", "10")}
"""USD per million tokens, input and output, of those the catalogue has no more (December 2025)."""


class Recorded(TypedDict):
    """How one model did on one task; ``ok`` is 0 or 1."""

    ok: float
    cost_usd: float


class RecordedTask(TypedDict):
    """One line of the file."""

    prompt: str
    outcomes: dict[str, Recorded]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Means per task; shares are of the strongest model alone.

    Attributes:
        over_mixing: Points of success over sending tasks to the strongest at random at this bill.
    """

    success: float
    usd: float
    strong_success: float
    strong_usd: float
    over_mixing: float

    @property
    def share_of_success(self) -> float:
        """Compare the success with the strongest model's."""
        return self.success / self.strong_success

    @property
    def share_of_bill(self) -> float:
        """Compare the bill with the strongest model's."""
        return self.usd / self.strong_usd


class Bench:
    """Plays tasks through the policy with one router.

    Args:
        tiers: One or more models per tier, cheapest tier first; the last one is the yardstick.
        d: Share of the failed attempts that are noticed.
        f: Share of the good ones that are rejected.
        helps: Share of the noticed failures that advice alone puts right.
    """

    def __init__(
        self, tiers: Mapping[Tier, Sequence[ModelId]], *, d: float, f: float, helps: float = 0.0
    ) -> None:
        self._d, self._f, self._helps = d, f, helps
        chains = {tier: tuple(models) for tier, models in tiers.items()}
        self._router = Router(name="bench", tiers=chains)
        self._cheap = next(iter(chains.values()))[0]
        self._first = next(iter(chains))
        self._bills = {id_: one.measured.usd_per_task for id_, one in load_standings().items()}
        self._strong = list(chains.values())[-1][0]
        self._log = AdviceLog()
        self._market = Market(
            models={**load_catalogue(), **{name: _priced(name) for name in LIST_PRICES}},
            usable={"openrouter"},
            context_tokens=0,
            output_tokens=EXPECTED_OUTPUT_TOKENS,
            now=NOW,
        )

    def figures(self, tasks: Iterable[RecordedTask]) -> Figures:
        """Give the means over tasks."""
        played = [self._task(task) for task in tasks]
        success, usd, strong, strong_usd, cheap, cheap_usd = (
            sum(column) / len(played) for column in zip(*played, strict=True)
        )
        share = (usd - cheap_usd) / (strong_usd - cheap_usd)
        mixed = cheap + share * (strong - cheap)
        return Figures(
            success=success,
            usd=usd,
            strong_success=strong,
            strong_usd=strong_usd,
            over_mixing=success - mixed,
        )

    def _task(self, task: RecordedTask) -> tuple[float, ...]:
        outcomes = task["outcomes"]
        start = TaskState(tier=self._first, model=self._cheap)
        success, usd = self._attempt(
            _Play(outcomes=outcomes, brief_tokens=_brief_tokens(task["prompt"])), start
        )
        strong, cheap = outcomes[RECORDED[self._strong]], outcomes[RECORDED[self._cheap]]
        return success, usd, strong["ok"], strong["cost_usd"], cheap["ok"], cheap["cost_usd"]

    def _attempt(self, play: "_Play", task: TaskState) -> tuple[float, float]:
        """Let the task's model try from the start; gives expected success and bill."""
        own = play.outcome(task)
        noticed = self._f if own["ok"] else self._d
        then = replace(play, weight=play.weight * noticed)
        success, usd = self._noticed(then, task, was_advised=False)
        return own["ok"] * (1 - noticed) + noticed * success, own["cost_usd"] + noticed * usd

    def _noticed(self, play: "_Play", task: TaskState, *, was_advised: bool) -> tuple[float, float]:
        """Ask the policy what to do; gives expected success and what is still to be paid."""
        own = play.outcome(task)
        market = replace(self._market, context_tokens=play.brief_tokens)
        step = consider(
            [Evidence(kind=EvidenceKind.FAILED_CHECK)],
            task=task,
            router=self._router,
            market=market,
            was_advised=was_advised,
            advised_by=play.advised_by,
            bills=self._bills,
            advice=self._log,
        )
        if step.action is EscalationAction.ADVISE and step.model is not None:
            price = _known(market.estimate_usd(step.model)) + REWORK * own["cost_usd"]
            helped = 0.0 if own["ok"] else self._helps
            self._log = AdviceLog(
                given=self._log.given + play.weight,
                helped=self._log.helped + play.weight * helped,
            )
            then = replace(
                play,
                advised_by=play.advised_by | {step.model},
                weight=play.weight * (1 - helped),
            )
            success, usd = self._noticed(then, task, was_advised=True)
            return helped + (1 - helped) * success, price + (1 - helped) * usd
        if step.action is EscalationAction.TAKE_OVER and step.tier is not None:
            return self._attempt(play, escalated(task, to=step.tier, model=step.model))
        return own["ok"], 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Play:
    """One task while it is played.

    Attributes:
        weight: How likely it comes to this.
    """

    outcomes: Mapping[str, Recorded]
    brief_tokens: int
    advised_by: frozenset[ModelId] = frozenset()
    weight: float = 1.0

    def outcome(self, task: TaskState) -> Recorded:
        """Look up what the model that works on the task made of it."""
        if task.model is None:
            raise ValueError("a task in progress has a model")
        return self.outcomes[RECORDED[task.model]]


def _priced(model: ModelId) -> ModelInfo:
    provider, _, name = model.partition("/")
    rates = Rates(input=Decimal(LIST_PRICES[model][0]), output=Decimal(LIST_PRICES[model][1]))
    return ModelInfo(id=model, provider=provider, name=name, price=flat_price(rates))


def _known(price: Decimal | None) -> float:
    if price is None:
        raise ValueError("what advice costs must be known")
    return float(price)


def _brief_tokens(ask: str) -> int:
    """Size the brief that an adviser gets: of this ask, with the longest failure and diff."""
    record = TaskRecord(failure=LONG, diffs=[LONG], files_changed=1)
    return RequestSizer(()).rough(advice_request(record, [ask], "", "a check failed"))


def load(path: Path) -> list[RecordedTask]:
    """Read the tasks for which every model of ``RECORDED`` has a result."""
    tasks = [
        cast("RecordedTask", json.loads(line)) for line in path.read_text("utf-8").splitlines()
    ]
    return [task for task in tasks if task["outcomes"].keys() >= set(RECORDED.values())]


ROUTERS: dict[str, dict[Tier, tuple[ModelId, ...]]] = {
    "two tiers: GPT-5 mini, Opus 4.5": {Tier.SIMPLE: (MINI,), Tier.COMPLEX: (OPUS,)},
    "two tiers: DeepSeek V3.2, Opus 4.5": {Tier.SIMPLE: (DEEPSEEK,), Tier.COMPLEX: (OPUS,)},
    "two tiers: DeepSeek V3.2, Gemini 3 Pro": {Tier.SIMPLE: (DEEPSEEK,), Tier.COMPLEX: (GEMINI,)},
    "two tiers: GPT-5 mini, GPT-5": {Tier.SIMPLE: (MINI,), Tier.COMPLEX: (GPT5,)},
    "three tiers: DeepSeek V3.2, GPT-5 mini, Opus 4.5": {
        Tier.SIMPLE: (DEEPSEEK,),
        Tier.MEDIUM: (MINI,),
        Tier.COMPLEX: (OPUS,),
    },
    "two tiers, a sibling: DeepSeek V3.2 + GPT-5 mini, Opus 4.5": {
        Tier.SIMPLE: (DEEPSEEK, MINI),
        Tier.COMPLEX: (OPUS,),
    },
}


def main() -> None:
    """Print the figures of every router."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("-d", type=float, default=0.7, help="failures noticed; default: 0.7")
    parser.add_argument("-f", type=float, default=0.1, help="good work rejected; default: 0.1")
    parser.add_argument(
        "--helps", type=float, default=0.0, help="failures that advice puts right; default: 0"
    )
    args = parser.parse_args()
    tasks = load(args.file)
    print(f"{len(tasks)} tasks, d = {args.d}, f = {args.f}")
    for name, tiers in ROUTERS.items():
        found = Bench(tiers, d=args.d, f=args.f, helps=args.helps).figures(tasks)
        print(
            f"{name}: {found.success:.1%} "
            f"({found.share_of_success:.1%} of {found.strong_success:.1%})"
            f" for ${found.usd:.3f} ({found.share_of_bill:.1%} of ${found.strong_usd:.3f}),"
            f" {found.over_mixing:+.1%} over mixing"
        )


if __name__ == "__main__":
    main()
