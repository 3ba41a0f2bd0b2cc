"""A real tokenizer for tests that hold the estimate, or a limit, against one."""

import base64
import gc
from functools import cache

import pytest
import tiktoken

from tests.conftest import SHARED

RANKS = SHARED / "tokenizers" / "o200k_base.tiktoken"


@cache
def real_tokenizer() -> tiktoken.Encoding:
    """Build o200k_base from the kit's ranks, without the network; skips the test without them."""
    if not RANKS.is_file():
        pytest.skip("the tokenizer's ranks are not beside us")
    ranks = {
        base64.b64decode(token): int(rank)
        for token, rank in (line.split() for line in RANKS.read_bytes().splitlines() if line)
    }
    pattern = "|".join(
        [
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    )
    encoding = tiktoken.Encoding(
        name="o200k", pat_str=pattern, mergeable_ranks=ranks, special_tokens={}
    )
    del ranks
    gc.collect()
    return encoding
