"""The ways in which one process makes calls: plain, joined with identical ones, and from the cache.

All of them share one dispatcher, so that pauses and limits are known to every call.
"""

from collections.abc import Callable
from datetime import datetime

from ralex.core.models import ModelInfo
from ralex.dispatch.caching import CachedCalls, ResponseCache, Runner
from ralex.dispatch.dispatcher import Dispatcher
from ralex.dispatch.ports import ChatProvider, Ledger
from ralex.dispatch.retries import RetryPolicy
from ralex.dispatch.single_flight import SingleFlight


class Callers:
    """Makes them on first use.

    Args:
        open_cache: Gives the cache of answers; called once, when a call first wants it.

    Attributes:
        plain: Makes every call by itself.
        shared: Joins identical calls that overlap in time.
    """

    def __init__(
        self,
        *,
        provider_of: Callable[[ModelInfo], ChatProvider],
        ledger: Ledger,
        is_limited: Callable[[], bool],
        policy: RetryPolicy,
        now: Callable[[], datetime],
        open_cache: Callable[[], ResponseCache],
    ) -> None:
        self._ledger = ledger
        self._open_cache = open_cache
        self._cache: ResponseCache | None = None
        self.plain = Dispatcher(
            provider_of=provider_of, ledger=ledger, is_limited=is_limited, now=now, policy=policy
        )
        self.shared = SingleFlight(self.plain)

    def choose(
        self, *, shares: bool, caches: bool, accepts: Callable[[str], bool] | None = None
    ) -> Runner:
        """Give the one that joins identical calls, asks the cache first, or does both.

        Args:
            accepts: Tells whether an answer's text may be kept; None keeps any.
        """
        runner: Runner = self.shared if shares else self.plain
        if not caches:
            return runner
        if self._cache is None:
            self._cache = self._open_cache()
        if accepts is None:
            return CachedCalls(runner, self._cache, self._ledger)
        return CachedCalls(runner, self._cache, self._ledger, accepts=accepts)
