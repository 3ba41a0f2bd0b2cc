"""Does an ask only make sense within the task in progress?

"Yes", "weiter", "still broken" and "do the same for the other path" say nothing of how hard the
work is; the task does. Judged by words in many languages and by shape: a very short text that tells
nobody to do anything is an answer, not a task. Long asks are never follow-ups.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ralex.core.folding import fold

_WORDS = re.compile(r"[^\W_]+")
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


class Followup(StrEnum):
    """How an ask goes on with a task."""

    REPLY = "reply"
    COMPLAINT = "complaint"
    OPENING = "opening"
    SHORT = "short"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupWords:
    """Words and phrases by which follow-ups are known; all folded, phrases between spaces.

    Attributes:
        reply_words: A short text of these words alone is a reply.
        openings: What a follow-up begins with.
        complaints: What says, anywhere, that the last answer was no good.
        tasks: Words that make a text a task of its own, however short.
        dense: The same lists for scripts without spaces, found anywhere.
        most_chars: Longer texts are never follow-ups.
        most_words: For each kind, how many words a text may have.
    """

    reply_words: frozenset[str]
    openings: tuple[str, ...]
    complaints: tuple[str, ...]
    tasks: frozenset[str]
    task_stems: tuple[str, ...]
    dense: Mapping[Followup, tuple[str, ...]]
    dense_tasks: tuple[str, ...]
    most_chars: int
    most_words: Mapping[Followup, int]
    most_dense_chars: Mapping[Followup, int]

    def __call__(self, ask: str) -> bool:
        """Tell whether the ask goes on with the running task."""
        return self.kind_of(ask) is not None

    def kind_of(self, ask: str) -> Followup | None:
        """Tell how the ask goes on with the running task; None if it stands by itself."""
        text = ask.strip()
        if not text or len(text) > self.most_chars:
            return None
        low = fold(text)
        if _DENSE.search(low):
            return self._kind_of_dense(low)
        words = _WORDS.findall(low)
        if not words:
            return Followup.REPLY  # a thumb up, a tick, an ellipsis
        return self._kind_of_words(words)

    def _kind_of_words(self, words: list[str]) -> Followup | None:
        count = len(words)
        joined = f" {' '.join(words)} "
        if count <= self.most_words[Followup.REPLY] and self.reply_words.issuperset(words):
            return Followup.REPLY
        if count <= self.most_words[Followup.COMPLAINT] and any(
            phrase in joined for phrase in self.complaints
        ):
            return Followup.COMPLAINT
        if count <= self.most_words[Followup.OPENING] and joined.startswith(self.openings):
            return Followup.OPENING
        if count <= self.most_words[Followup.SHORT] and not self._has_task(words):
            return Followup.SHORT
        return None

    def _kind_of_dense(self, low: str) -> Followup | None:
        for kind in (Followup.COMPLAINT, Followup.OPENING):
            if len(low) <= self.most_dense_chars[kind] and any(
                needle in low for needle in self.dense[kind]
            ):
                return kind
        bare = "".join(_WORDS.findall(low))
        if bare in self.dense[Followup.REPLY]:
            return Followup.REPLY
        if len(bare) <= self.most_dense_chars[Followup.SHORT] and not any(
            needle in low for needle in self.dense_tasks
        ):
            return Followup.SHORT
        return None

    def _has_task(self, words: list[str]) -> bool:
        return not self.tasks.isdisjoint(words) or any(
            word.startswith(self.task_stems) for word in words
        )
