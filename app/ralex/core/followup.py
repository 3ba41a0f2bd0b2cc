"""Does an ask only make sense within the task in progress?

"Yes", "weiter", "still broken" and "do the same for the other path" say nothing of how hard the
work is; the task does. Judged by words in many languages and by shape: a very short text that tells
nobody to do anything is an answer, not a task. Long asks are never follow-ups.
"""

from collections.abc import Mapping
from enum import StrEnum

from ralex.core.folding import fold
from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass

_WORDS = lazy_pattern(r"[^\W_]+")
_DENSE = lazy_pattern("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


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
        reply_verbs: Verbs that may stand beside them; alone they are no reply.
        openings: What a follow-up begins with.
        complaints: What says, anywhere, that the last answer was no good.
        tasks: Words that make a text a task of its own, however short.
        nouns: Words for what went wrong; a short text with one, and without a task, complains.
        signs: What makes a text without any word a complaint.
        dense: The same lists for scripts without spaces, found anywhere.
        most_chars: Longer texts are never follow-ups.
        most_noun_words: How many words a text may have beside one of ``nouns``.
        most_words: For each kind, how many words a text may have.
    """

    reply_words: frozenset[str]
    reply_verbs: frozenset[str]
    openings: tuple[str, ...]
    complaints: tuple[str, ...]
    tasks: frozenset[str]
    task_stems: tuple[str, ...]
    nouns: frozenset[str]
    signs: tuple[str, ...]
    dense: Mapping[Followup, tuple[str, ...]]
    dense_tasks: tuple[str, ...]
    most_chars: int
    most_noun_words: int
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
        if not low.isascii() and _DENSE.search(low):
            return self._kind_of_dense(low)
        words = _WORDS.findall(low)
        if not words:  # a thumb up, a tick, an ellipsis; or a thumb down
            is_bad = any(sign in text for sign in self.signs)
            return Followup.COMPLAINT if is_bad else Followup.REPLY
        # Vowel signs part the words of many scripts into several runs of letters.
        return self._kind_of_words(words, len(words) if low.isascii() else len(low.split()))

    def _kind_of_words(self, words: list[str], count: int) -> Followup | None:
        joined = f" {' '.join(words)} "
        # "Fix the page that shows no error" names trouble, but as a task.
        is_told = count > self.most_noun_words and words[0] in self.tasks
        if (
            count <= self.most_words[Followup.COMPLAINT]
            and not is_told
            and any(phrase in joined for phrase in self.complaints)
        ):
            return Followup.COMPLAINT
        is_trouble = count <= self.most_noun_words and not self.nouns.isdisjoint(words)
        if is_trouble and not self._has_task(words):
            return Followup.COMPLAINT
        if count <= self.most_words[Followup.REPLY] and self._is_reply(words):
            return Followup.REPLY
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
        if self._is_of_replies(bare):
            return Followup.REPLY
        if len(bare) <= self.most_dense_chars[Followup.SHORT] and not any(
            needle in low for needle in self.dense_tasks
        ):
            return Followup.SHORT
        return None

    def _is_of_replies(self, bare: str) -> bool:
        """Tell whether a short text is nothing but replies, one after the other."""
        if len(bare) > self.most_dense_chars[Followup.OPENING]:
            return False
        reached = {0}
        for at in range(len(bare)):
            if at in reached:
                replies = self.dense[Followup.REPLY]
                reached.update(at + len(one) for one in replies if bare.startswith(one, at))
        return len(bare) in reached

    def _is_reply(self, words: list[str]) -> bool:
        others = [word for word in words if word not in self.reply_verbs]
        return bool(others) and self.reply_words.issuperset(others)

    def _has_task(self, words: list[str]) -> bool:
        return not self.tasks.isdisjoint(words) or any(
            word.startswith(self.task_stems) for word in words
        )
