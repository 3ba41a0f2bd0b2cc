"""What this process knows of its deployments: pauses after failures, limits, and who serves whom.

The user's own limits (``rpm``, ``tpm``) are counted in a window of one minute that slides, by this
process alone; other processes with the same key count for themselves.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import field

from ralex.core.deployments import Standing
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.core.rate_limits import RateLimits
from ralex.core.records import dataclass
from ralex.dispatch.calls import Candidate

WINDOW_S = 60.0
_MOST_HOMES = 1_000


@dataclass(slots=True)
class Entry:
    """One attempt in the window; its tokens are an estimate until the bill is known."""

    at: float
    tokens: int


@dataclass(slots=True)
class _Deployment:
    cool_until: float = 0.0
    window: deque[Entry] = field(default_factory=deque[Entry])
    told: RateLimits | None = None
    told_at: float = 0.0
    requests_since: int = 0
    tokens_since: int = 0


class Traffic:
    """Keeps books on every deployment that was called.

    Args:
        monotonic: Seconds that never go back.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._deployments: dict[ModelId, _Deployment] = {}
        self._homes: dict[tuple[str, str], ModelId] = {}

    def is_cooling(self, model: ModelId) -> bool:
        """Tell whether a model failed a moment ago and is tried last."""
        known = self._deployments.get(model)
        return known is not None and known.cool_until > self._monotonic()

    def cool(self, model: ModelId, seconds: float) -> None:
        """Try a model last for a while; a longer pause that runs already stays."""
        known = self._of(model)
        known.cool_until = max(known.cool_until, self._monotonic() + seconds)

    def succeeded(self, candidate: Candidate, session_id: str) -> None:
        """End the pause of a model that answered, and keep its session with it."""
        self._of(candidate.model.id).cool_until = 0.0
        if session_id and candidate.group:
            key = (session_id, candidate.group)
            self._homes.pop(key, None)
            self._homes[key] = candidate.model.id
            if len(self._homes) > _MOST_HOMES:
                del self._homes[next(iter(self._homes))]

    def heard(self, model: ModelId, told: RateLimits) -> None:
        """Take the limits that an answer told."""
        known = self._of(model)
        known.told, known.told_at = told, self._monotonic()
        known.requests_since = known.tokens_since = 0

    def sent(self, candidate: Candidate) -> Entry:
        """Count an attempt; its tokens are corrected in the entry once they are known."""
        known = self._of(candidate.model.id)
        known.requests_since += 1
        known.tokens_since += candidate.input_tokens
        entry = Entry(self._monotonic(), candidate.input_tokens)
        if candidate.model.rpm is not None or candidate.model.tpm is not None:
            known.window.append(entry)
        return entry

    def not_sent(self, candidate: Candidate, entry: Entry) -> None:
        """Take back an attempt that the budget did not allow."""
        known = self._of(candidate.model.id)
        known.requests_since -= 1
        known.tokens_since -= candidate.input_tokens
        if entry in known.window:
            known.window.remove(entry)

    def wait_s(self, candidate: Candidate) -> float:
        """Tell in how many seconds the user's own limits let a call through; 0 is now."""
        model = candidate.model
        if model.rpm is None and model.tpm is None:
            return 0.0
        window = self._window(model)
        now = self._monotonic()
        waits = [0.0]
        if model.rpm is not None and len(window) >= model.rpm:
            waits.append(window[-model.rpm].at + WINDOW_S - now)
        if model.tpm is not None and window:
            waits.append(_room_at(window, model.tpm - candidate.input_tokens) - now)
        return max(waits)

    def standing(self, candidate: Candidate, session_id: str) -> Standing:
        """Sum up how a deployment stands."""
        model = candidate.model
        return Standing(
            model=model.id,
            weight=model.weight,
            headroom=self._headroom(model),
            wait_s=self.wait_s(candidate),
            is_cooling=self.is_cooling(model.id),
            is_home=self._homes.get((session_id, candidate.group)) == model.id,
        )

    def _headroom(self, model: ModelInfo) -> float:
        known = self._of(model.id)
        shares = [1.0]
        if known.told is not None:
            age_s = self._monotonic() - known.told_at
            for allowance, used in (
                (known.told.requests, known.requests_since),
                (known.told.tokens, known.tokens_since),
            ):
                if allowance is not None:
                    shares.append(allowance.share_left(used=used, age_s=age_s))
        window = self._window(model)
        if model.rpm is not None:
            shares.append(1 - len(window) / model.rpm)
        if model.tpm is not None:
            shares.append(1 - sum(entry.tokens for entry in window) / model.tpm)
        return max(0.0, min(shares))

    def _window(self, model: ModelInfo) -> deque[Entry]:
        window = self._of(model.id).window
        start = self._monotonic() - WINDOW_S
        while window and window[0].at <= start:
            window.popleft()
        return window

    def _of(self, model: ModelId) -> _Deployment:
        return self._deployments.setdefault(model, _Deployment())


def _room_at(window: Iterable[Entry], most: int) -> float:
    """Give the moment from which the window holds at most so many tokens.

    A request larger than the whole limit gets through once the window is empty.
    """
    entries = list(window)
    held = sum(entry.tokens for entry in entries)
    if held <= most:
        return 0.0
    for entry in entries:
        held -= entry.tokens
        if held <= max(most, 0):
            return entry.at + WINDOW_S
    return entries[-1].at + WINDOW_S
