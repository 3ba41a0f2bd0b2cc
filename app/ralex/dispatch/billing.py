"""From what an attempt brought to what it cost."""

from dataclasses import field, replace
from datetime import datetime
from decimal import Decimal

from ralex.core.budget import Charge
from ralex.core.models import ModelInfo, PriceList
from ralex.core.pricing import cost_usd
from ralex.core.records import dataclass
from ralex.core.stream import (
    ReasoningDelta,
    StreamFinished,
    StreamPart,
    TextDelta,
    ToolCallDelta,
    UsageReport,
)
from ralex.core.tokens import estimate_tokens
from ralex.core.usage import Usage
from ralex.dispatch.calls import Call

_MARGIN = Decimal("1.25")
"""A count of our own is an estimate, and of an attempt that broke off not all arrived."""
_MARGIN_TOKENS = 64


@dataclass(slots=True, kw_only=True)
class Heard:
    """What came of a reply so far, to bill an attempt that breaks off."""

    text: list[str] = field(default_factory=list[str])
    answer: list[str] = field(default_factory=list[str])
    has_reasoning: bool = False
    report: UsageReport | None = None
    reply: StreamFinished | None = None

    def take(self, part: StreamPart) -> None:
        """Note one part."""
        match part:
            case TextDelta(text=text):
                self.text.append(text)
                self.answer.append(text)
            case ReasoningDelta(text=text):
                self.text.append(text)
                self.has_reasoning = True
            case ToolCallDelta():
                self.text.append(part.name + part.arguments_json)
            case UsageReport():
                self.report = part
            case StreamFinished():
                self.reply = part

    @property
    def has_content(self) -> bool:
        """Tell whether anything of the answer came."""
        return any(self.text)

    @property
    def usage(self) -> Usage | None:
        """Give the provider's own count, if it sent one."""
        if self.reply is not None:
            return self.reply.usage
        return self.report.usage if self.report else None

    @property
    def cost_usd(self) -> Decimal | None:
        """Give the provider's own price, if it sent one."""
        if self.reply is not None:
            return self.reply.cost_usd
        return self.report.cost_usd if self.report else None


@dataclass(slots=True)
class Tab:
    """What the failed attempts of one call have cost, or may still cost, in USD."""

    committed_usd: Decimal = Decimal(0)

    def rest_of(self, call: Call) -> Call:
        """Give the call with what is left of its own limit."""
        if call.max_cost_usd is None or not self.committed_usd:
            return call
        return replace(call, max_cost_usd=max(Decimal(0), call.max_cost_usd - self.committed_usd))


def bill(
    heard: Heard,
    model: ModelInfo,
    *,
    input_tokens: int,
    most_output_tokens: int,
    counterfactual: PriceList | None,
    now: datetime,
) -> Charge:
    """Price an attempt: the provider's own price, else its usage, else what we counted.

    A whole reply without usage, of a model that may have reasoned where nobody saw it, is priced
    as if it had used all it was allowed: less would let the day's limit be passed.

    Args:
        input_tokens: Our estimate of the request, for a reply without usage.
        most_output_tokens: The cap that was sent with the request.
        counterfactual: Prices of the router's top tier, or None if unknown.
        now: The moment whose prices apply.
    """
    reported = heard.usage
    is_whole = heard.reply is not None
    if reported is not None and is_whole:
        usage, source = reported, "computed"
    else:
        usage, source = _counted(heard, reported, input_tokens), "estimated"
        if is_whole and model.reasoning and not heard.has_reasoning:
            usage = replace(usage, output_tokens=max(usage.output_tokens, most_output_tokens))
    cost = cost_usd(model.price, usage, now) if model.price else Decimal(0)
    if heard.cost_usd is not None:
        cost, source = heard.cost_usd, "provider"
    return Charge(
        cost_usd=cost,
        source=source,
        usage=usage,
        counterfactual_usd=cost_usd(counterfactual, usage, now) if counterfactual else None,
    )


def _counted(heard: Heard, reported: Usage | None, input_tokens: int) -> Usage:
    """Count a reply whose usage is missing, or was reported before the reply broke off."""
    output = int((estimate_tokens("".join(heard.text)) + _MARGIN_TOKENS) * _MARGIN)
    if reported is None or not reported.total_input_tokens:
        reported = Usage(input_tokens=int(input_tokens * _MARGIN))
    return replace(reported, output_tokens=max(reported.output_tokens, output))
