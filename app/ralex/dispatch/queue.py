"""The candidates of one call that are still to be tried, and which of them comes next."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import groupby

from ralex.core.deployments import rank
from ralex.core.ids import ModelId
from ralex.core.models import ModelInfo
from ralex.dispatch.calls import Call, Candidate
from ralex.dispatch.retries import RetryPolicy, is_about_the_account, may_move_on
from ralex.dispatch.traffic import Traffic
from ralex.errors import (
    BadRequestError,
    ContentFilterError,
    ContextOverflowError,
    ProviderError,
    RateLimitedError,
    UnknownModelError,
)


class Queue:
    """Orders candidates by health and load, and drops those that failed.

    Args:
        draw: Asked if there is a choice between deployments and no session to decide it; from 0 up
            to, not including, 1.

    Raises:
        UnknownModelError: If the call has no candidates.
    """

    def __init__(
        self, call: Call, *, traffic: Traffic, policy: RetryPolicy, draw: Callable[[], float]
    ) -> None:
        if not call.candidates:
            raise UnknownModelError("no model can take this call", hint="see `ralex models`")
        self._call = call
        self._traffic = traffic
        self._policy = policy
        self._why: dict[ModelId, str] = {}
        self._tried: set[ModelId] = set()
        self._waited_s = 0.0
        ordered = self._balanced(call.candidates, draw)
        self.waiting = sorted(ordered, key=lambda one: traffic.is_cooling(one.model.id))

    @property
    def head(self) -> Candidate:
        """The candidate whose turn it is."""
        return self.waiting[0]

    @property
    def why(self) -> str:
        """Why this deployment of its model; empty where there was no choice."""
        return self._why.get(self.head.model.id, "")

    def admit(self) -> tuple[float, str]:
        """Bring to the front what the user's own limits let through first.

        A free deployment of the same model takes over at once, and so does the next model of the
        chain unless the wait is short.

        Returns:
            Seconds to wait before asking again, and what is at its limit; 0 and nothing where the
            head can be sent.

        Raises:
            RateLimitedError: Everything is at its limit for longer than this call may wait.
        """
        head = self.head
        wait_s = self._traffic.wait_s(head)
        if wait_s <= 0:
            return 0.0, ""
        peers = [one for one in self.waiting if one is head or _are_siblings(one, head)]
        soonest = min(peers, key=self._traffic.wait_s)
        wait_s = self._traffic.wait_s(soonest)
        if wait_s > self._policy.short_wait_s:
            soonest = min(self.waiting, key=self._traffic.wait_s)
            wait_s = self._traffic.wait_s(soonest)
        if self._waited_s + wait_s > self._policy.limit_wait_s:
            raise RateLimitedError(
                f"{_limit_of(head.model)}, and nothing else can take this call; "
                f"it is free in {wait_s:.0f} s",
                hint="wait, raise rpm or tpm of its [models] table, or name another model",
                retry_after_s=wait_s,
            )
        self._bring_forward(soonest)
        self._waited_s += wait_s
        return wait_s, _limit_of(head.model)

    def leave_to_sibling(self) -> bool:
        """Drop the head if the next candidate is another deployment of the same model."""
        if len(self.waiting) < 2 or not _are_siblings(self.head, self.waiting[1]):
            return False
        self.waiting = self.waiting[1:]
        return True

    def fail(self, error: ProviderError, *, attempt: int, jitter: float) -> float | None:
        """Choose what follows a failure of the head.

        Args:
            attempt: How often the head was tried.
            jitter: Between 0 and 1; spreads the waits of many clients.

        Returns:
            Seconds until the next attempt, or None to give up.
        """
        failed = self.head
        self._tried.add(failed.model.id)
        chain = self._own_chain(failed, error)
        if chain:
            self.waiting = chain
            return 0.0
        others = self.waiting[1:]
        if is_about_the_account(error):
            others = [one for one in others if one.model.provider != failed.model.provider]
        pause_s = self._policy.cooldown_s(error)
        for one in self.waiting:
            if one not in others and not isinstance(error, BadRequestError):
                self._traffic.cool(one.model.id, pause_s)
        if others and may_move_on(error):
            self.waiting = others
            return 0.0
        return self._policy.next_wait_s(error, attempt=attempt, jitter=jitter)

    def _own_chain(self, failed: Candidate, error: ProviderError) -> list[Candidate]:
        """Give the chain for this kind of failure, as far as it was not tried yet."""
        chain: Sequence[Candidate] = ()
        if isinstance(error, ContextOverflowError) and self._call.moves_on_overflow:
            chain = failed.on_overflow or _larger(self.waiting[1:], failed.model)
        elif isinstance(error, ContentFilterError):
            chain = failed.on_refusal
        return [one for one in chain if one.model.id not in self._tried]

    def _balanced(
        self, candidates: Sequence[Candidate], draw: Callable[[], float]
    ) -> list[Candidate]:
        ordered: list[Candidate] = []
        for group, run in groupby(candidates, key=lambda one: one.group):
            members = list(run)
            if not group or len(members) < 2:
                ordered += members
                continue
            standings = [self._traffic.standing(one, self._call.session_id) for one in members]
            session = self._call.session_id
            chance = _chance_of(session, group) if session else draw()
            ranking = rank(standings, group=group, draw=chance)
            by_id = {one.model.id: one for one in members}
            ordered += [by_id[model] for model in ranking.order]
            self._why[ranking.order[0]] = ranking.why
        return ordered

    def _bring_forward(self, candidate: Candidate) -> None:
        if candidate is self.head:
            return
        if _are_siblings(candidate, self.head):
            self._why[candidate.model.id] = f"{_limit_of(self.head.model)}, so a sibling takes over"
        self.waiting = [candidate, *(one for one in self.waiting if one is not candidate)]


def _chance_of(session_id: str, group: str) -> float:
    """Give a session its own place between 0 and 1, the same in every process.

    A session that another process takes up so finds the deployment that holds its prompt cache.
    """
    digest = hashlib.blake2b(f"{group}\0{session_id}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / 2**48


def _are_siblings(one: Candidate, other: Candidate) -> bool:
    return bool(one.group) and one.group == other.group


def _larger(candidates: Sequence[Candidate], model: ModelInfo) -> list[Candidate]:
    """Keep those whose window is known to be larger."""
    own = model.context_window
    if own is None:
        return []
    return [one for one in candidates if (one.model.context_window or 0) > own]


def _limit_of(model: ModelInfo) -> str:
    limits: list[str] = []
    if model.rpm is not None:
        limits.append(f"{model.rpm:,} requests")
    if model.tpm is not None:
        limits.append(f"{model.tpm:,} tokens")
    return f"{model.id} is at your limit of {' or '.join(limits)} a minute"
