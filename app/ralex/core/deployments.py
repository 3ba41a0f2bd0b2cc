"""Which of several deployments of one model takes a call: a pure rule, with chance passed in.

The rule, in this order:

1. A deployment that cools down after a failure, or is at a limit of its own, comes after those that
   are not; one of weight 0 only stands by: it comes after all others that can take the call.
2. The deployment that served the session last goes on, because it holds the prompt cache.
3. Else one is drawn with a probability of weight × headroom (a session by its id, so that another
   process draws the same one), where the headroom is the smallest share left of any limit known:
   the provider's own, as told with its last answer, and the user's.
4. The rest follow by weight × headroom, largest first, then in the order of the configuration.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field

from ralex.core.ids import ModelId
from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one deployment stands at this moment.

    Attributes:
        headroom: Share left of its tightest limit, from 0 to 1.
        wait_s: Seconds until the user's own limits let the next call through; 0 is now.
        is_cooling: It failed a moment ago.
        is_home: It served this session last.
    """

    model: ModelId
    weight: float = 1.0
    headroom: float = 1.0
    wait_s: float = 0.0
    is_cooling: bool = False
    is_home: bool = False

    @property
    def is_ready(self) -> bool:
        """Tell whether a call can be sent now."""
        return not self.is_cooling and self.wait_s <= 0

    @property
    def share(self) -> float:
        """Weight × headroom."""
        return self.weight * self.headroom


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """An order in which to try deployments, first one first, and why that one."""

    order: tuple[ModelId, ...]
    why: str


def rank(deployments: Sequence[Standing], *, group: str, draw: float) -> Ranking:
    """Order the deployments of one model.

    Args:
        deployments: In the order of the configuration; at least one.
        group: What they are called together, for the reason.
        draw: From 0 up to, not including, 1; decides where chance does.
    """
    rest = sorted(deployments, key=_after_others)
    ready = [one for one in rest if one.is_ready and one.share > 0]
    home = next((one for one in ready if one.is_home), None)
    if home is not None:
        first, reason = home, "it holds this session's prompt cache"
    elif len(ready) > 1:
        first = _drawn(ready, draw)
        total = sum(one.share for one in ready)
        reason = f"drawn at {first.share / total:.0%} by weight × headroom, {_terms(first)}"
    else:
        first = rest[0]
        reason = _why_alone(first, len(deployments))
    order = [first, *(one for one in rest if one is not first)]
    return Ranking(
        order=tuple(one.model for one in order),
        why=f"{group} has {len(deployments)} deployments; {first.model}: {reason}",
    )


def _after_others(one: Standing) -> tuple[bool, bool, bool, float, float]:
    return (one.is_cooling, one.wait_s > 0, one.weight == 0, one.wait_s, -one.share)


def _drawn(ready: Sequence[Standing], draw: float) -> Standing:
    mark = draw * sum(one.share for one in ready)
    for one in ready:
        mark -= one.share
        if mark < 0:
            return one
    return ready[-1]


def _terms(one: Standing) -> str:
    return f"weight {one.weight:g}, headroom {one.headroom:.0%}"


def _why_alone(first: Standing, count: int) -> str:
    if first.is_cooling:
        return "all of them failed a moment ago, and its pause ends first or its weight is largest"
    if first.wait_s > 0:
        return f"all others wait longer for their limits; it waits {first.wait_s:.1f} s"
    if first.weight == 0:
        return "it stands by, and all others cool down or are at their limits"
    if first.headroom == 0:
        return "no deployment has headroom left by its provider's word"
    return "the only one that is ready" if count > 1 else "the only one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """The user's groups of deployments that serve the same model, by name."""

    members: Mapping[str, tuple[ModelId, ...]] = field(
        default_factory=dict[str, tuple[ModelId, ...]]
    )

    def expand(
        self, chain: Iterable[ModelId], can_call: Callable[[ModelId], bool]
    ) -> tuple[tuple[ModelId, str], ...]:
        """Put each model's siblings behind it: every model once, with its group or nothing.

        The first deployment of a group that can be called stands for the whole group; another one
        that is named comes first itself, and its siblings only when it fails.
        """
        found: dict[ModelId, str] = {}
        for model in chain:
            name, callable_ones = self._group_of(model, can_call)
            if not name or callable_ones[0] != model:
                found.setdefault(model, "")
            for one in callable_ones:
                found.setdefault(one, name)
        return tuple(found.items())

    def _group_of(
        self, model: ModelId, can_call: Callable[[ModelId], bool]
    ) -> tuple[str, tuple[ModelId, ...]]:
        """Find the group of a model: one that it leads before one that it is in."""
        callable_ones = {
            name: tuple(one for one in members if can_call(one))
            for name, members in self.members.items()
            if model in members
        }
        led = (name for name, ones in callable_ones.items() if ones[:1] == (model,))
        name = next(led, next((name for name, ones in callable_ones.items() if ones), ""))
        return name, callable_ones.get(name, ())
