"""The gate between foreign text and a terminal."""

import json
import re
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.terminal_text import StreamCleaner, clean, clean_line, mask_secrets
from tests.conftest import SHARED

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ud800-\udfff]"
)
HOSTILE = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x1b\x9b\x9d\x90\x07\x9c\\[]PX^_;0123mKABC \r\n\t\u200d\u202e👩💻é漢"),
        st.characters(),
    ),
    max_size=60,
)


@given(HOSTILE)
def test_what_passed_holds_nothing_a_terminal_obeys_and_passes_unchanged_again(text: str) -> None:
    once = clean(text)
    assert UNSAFE.search(once) is None
    assert clean(once) == once
    once.encode("utf-8")


@given(
    st.text(
        alphabet=st.characters(
            categories=["L", "N", "P", "Zs"],
            exclude_characters="\u3164\u115f\u1160\uffa0\u17b4\u17b5",
        ),
        max_size=80,
    )
)
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize("code", range(0x80))
def test_every_ascii_character_is_judged_the_same_beside_a_letter_that_is_none(code: int) -> None:
    alone, beside = clean(f"ab{chr(code)}c"), clean(f"äb{chr(code)}c")
    assert alone.replace("a", "ä", 1) == beside


@given(HOSTILE, st.lists(st.integers(0, 60), max_size=8))
def test_a_stream_cut_anywhere_is_as_safe_as_the_whole(text: str, cuts: list[int]) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    cleaner = StreamCleaner()
    shown = "".join(cleaner.feed(text[a:b]) for a, b in pairwise(places)) + cleaner.flush()
    assert UNSAFE.search(shown) is None


def test_a_sequence_split_between_pieces_leaves_no_text_behind() -> None:
    cleaner = StreamCleaner()
    pieces = ["a\x1b", "[3", "1mred\x1b]52;c;", "QUJD\x07 end"]
    assert "".join(map(cleaner.feed, pieces)) + cleaner.flush() == "ared␛ end"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "␛x"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "␛link␛"),
        ("\x1bPdcs\x1b\\x", "␛x"),
        ("\x9b2Jx", "x"),
        ("\x1b\x1b[0m[31mx", "␛[31mx"),
        ("\x1b]52;c;never ends\nnext", "␛\nnext"),
        ("50%\r100%\n", "100%\n"),
        ("line\r\nline\r\n", "line\nline\n"),
        ("bell\x07 nul\x00 del\x7f", "bell␇ nul␀ del␡"),
        ("a\u202eb", "a<U+202E>b"),
        ("a\u200db", "a<U+200D>b"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("\udcff", "<0xFF>"),
        ("e" + "\u0301" * 30, "e" + "\u0301" * 8),
        ("a\U000e0041b", "a<U+E0041>b"),
        ("tab\tstays\n", "tab\tstays\n"),
    ],
    ids=repr,
)
def test_each_kind_of_hostile_text(text: str, shown: str) -> None:
    assert clean(text) == shown


@pytest.mark.parametrize(
    "unit", ["\x1b]", "\x1b[", "a\r", "\u0301", "\x9b", "\x1b", "sk-"], ids=repr
)
def test_the_time_grows_with_the_text_and_not_faster(unit: str) -> None:
    def spent(count: int) -> float:
        text = unit * count
        start = time.process_time()
        mask_secrets(clean(text))
        return time.process_time() - start

    spent(1_000)
    assert spent(160_000) < 16 * max(spent(20_000), 0.005)


def test_a_line_has_no_breaks() -> None:
    assert clean_line(" a\n\tb \x1b[2Kc ") == "a b c"


def test_keys_are_masked() -> None:
    key = "sk-test-123456789012345678901234"
    assert key not in mask_secrets(f"Bearer {key} and {key}")
    assert mask_secrets("task-force sk-ip") == "task-force sk-ip"


def test_the_corpus_of_hostile_texts() -> None:
    corpus = SHARED / "security" / "terminal.jsonl"
    if not corpus.is_file():
        pytest.skip("the corpus of hostile texts is not beside this checkout")
    for line in corpus.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        text = bytes.fromhex(row["bytes_hex"]).decode("utf-8", "surrogateescape")
        assert UNSAFE.search(clean(text)) is None, row["id"]
        if "key is masked" in row["must"]:
            assert "123456789" not in mask_secrets(clean(text))
