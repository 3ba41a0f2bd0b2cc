"""The candidates of a step: each model of the route sized, with its siblings and its chains."""

from collections.abc import Iterable

from ralex.agent.surroundings import Surroundings
from ralex.core.capacity import CapacityAction, CapacityDecision
from ralex.core.ids import ModelId
from ralex.dispatch.calls import DEFAULT_OUTPUT_TOKENS, Candidate


def candidates_of(
    around: Surroundings, chain: Iterable[ModelId], max_tokens: int | None
) -> tuple[tuple[Candidate, ...], CapacityDecision]:
    """Size the request for every model of a chain; those it does not fit drop out.

    Args:
        max_tokens: Cap on the output, or None for the usual one.

    Returns:
        The candidates, which may be none, and the judgement on the first model.
    """
    services, sizer = around.services, around.sizer
    messages = around.history.messages
    verdicts: list[CapacityDecision] = []

    def size(model_id: ModelId) -> Candidate | None:
        model = around.keeper.known(services.resolve(model_id))
        tokens = around.keeper.tokens(model)
        verdict = around.desk.judge(model, tokens, max_tokens or DEFAULT_OUTPUT_TOKENS)
        verdicts.append(verdict)
        if verdict.action is CapacityAction.UPSIZE and verdict.upsize_model is not None:
            model = services.resolve(verdict.upsize_model)
        elif verdict.action is not CapacityAction.FITS:
            return None
        return Candidate(
            model=model,
            input_tokens=tokens,
            input_bound_tokens=sizer.bound(messages, model),
            output_tokens=verdict.output_tokens if model.id == verdict.model else None,
        )

    return services.plan.candidates(chain, size), verdicts[0]


def sizes_of(candidates: Iterable[Candidate]) -> dict[ModelId, int]:
    """Give the estimated input of each candidate and of what follows it, in tokens."""
    sizes: dict[ModelId, int] = {}
    for one in candidates:
        for other in (one, *one.on_overflow, *one.on_refusal):
            sizes.setdefault(other.model.id, other.input_tokens)
    return sizes
