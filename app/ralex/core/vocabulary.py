"""Finding the keywords of the default scorer: in any inflection, and in scripts without spaces.

The text is cut into words once; everything after that is a look-up of words in sets, so that the
time is linear in the text.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ralex.core.folding import fold
from ralex.core.patterns import lazy_pattern
from ralex.core.records import dataclass

_WORDS = lazy_pattern(r"[^\W_]+")
DENSE_RUNS = lazy_pattern("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
"""Scripts without spaces, in runs: counting single letters takes twenty times as long."""
_SPACED = bytes(code if chr(code).isalnum() else 32 for code in range(128)) + bytes(128)
"""Splitting ASCII bytes by translation gives the words of ``_WORDS`` in a tenth of the time."""
FIRST_WORDS = 4
"""How many words count as the beginning of an ask: ``could you please add`` is one."""
_SHORT = 2_000
"""Below it a set of a text's characters is made sooner than single ones are looked for."""
STEM_HEAD = 4
"""Letters by which stems are looked up; no stem may be shorter."""


class Keyword(NamedTuple):
    """One entry of the rules; its place in the rules is its rank.

    Attributes:
        group: Index of its group.
        label: The entry as written.
    """

    group: int
    label: str


class Phrase(NamedTuple):
    """Words in a row.

    Attributes:
        text: The words with a space between them and at both ends.
        words: The same, in no order.
        rank: Of its keyword.
    """

    text: str
    words: frozenset[str]
    rank: int


class Found(NamedTuple):
    """What a vocabulary finds in a text.

    Attributes:
        words: All words of the text.
        groups: Each group's keywords, in the order of the rules.
        first: Groups among the first ``FIRST_WORDS`` words, or in scripts without spaces anywhere.
        opening: Groups of the very first word.
    """

    words: set[str]
    groups: dict[int, list[Keyword]]
    first: set[int]
    opening: set[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """All words of all groups, indexed by how they are looked up; all folded.

    Attributes:
        keywords: By rank; whatever else is here names them by it.
        words: Whole words.
        stems: Beginnings of words, under their first ``STEM_HEAD`` letters.
        phrases: Words in a row, under their longest word.
        cjk: Found anywhere in texts of scripts without spaces.
        cjk_letters: All letters of these.
    """

    keywords: tuple[Keyword, ...]
    words: Mapping[str, tuple[int, ...]]
    stems: Mapping[str, tuple[tuple[str, int], ...]]
    phrases: Mapping[str, tuple[Phrase, ...]]
    cjk: tuple[tuple[str, int], ...]
    cjk_letters: frozenset[str]

    def found_in(self, text: str) -> Found:
        """Find every keyword of a text."""
        is_ascii = text.isascii()
        if is_ascii:
            low = text.lower()
            sequence = low.encode("ascii").translate(_SPACED).decode("ascii").split()
        else:
            low = fold(text)
            sequence = _WORDS.findall(low)
        words = set(sequence)
        opening = self._of_words(sequence[:1])
        first = self._of_words(sequence[:FIRST_WORDS])
        hits = first if len(sequence) <= FIRST_WORDS else self._of_words(words)
        keywords = self.keywords
        early = {keywords[rank].group for rank in first}
        keys = words & self.phrases.keys()
        if keys:
            hits = hits | self._of_phrases(keys, words, sequence)
        if not is_ascii and DENSE_RUNS.search(low):
            dense = self._dense_in(low)
            hits = hits.union(dense)
            early.update([keywords[rank].group for rank in dense])
        groups: dict[int, list[Keyword]] = {}
        for rank in sorted(hits):
            keyword = keywords[rank]
            groups.setdefault(keyword.group, []).append(keyword)
        return Found(words, groups, early, {keywords[rank].group for rank in opening})

    def _dense_in(self, low: str) -> list[int]:
        # Few keywords have all their letters in a text; only these are looked for in it.
        is_short = len(low) < _SHORT
        letters = set(low) if is_short else {one for one in self.cjk_letters if one in low}
        return [rank for text, rank in self.cjk if letters.issuperset(text) and text in low]

    def _of_words(self, words: Iterable[str]) -> set[int]:
        hits: set[int] = set()
        whole, stems = self.words, self.stems
        for word in words:
            if word in whole:
                hits.update(whole[word])
            head = word[:STEM_HEAD]
            if head in stems:
                hits.update([rank for stem, rank in stems[head] if word.startswith(stem)])
        return hits

    def _of_phrases(self, keys: set[str], words: set[str], sequence: list[str]) -> set[int]:
        possible = [phrase for key in keys for phrase in self.phrases[key] if phrase.words <= words]
        if not possible:
            return set()
        joined = f" {' '.join(sequence)} "
        return {phrase.rank for phrase in possible if phrase.text in joined}
