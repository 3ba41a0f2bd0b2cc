"""Fit the weights of ``core/tokens.py``.

Run as ``python tests/bench/fit_token_weights.py RANKS FOLDER...``, with RANKS the file
``o200k_base.tiktoken``. Text files of the folders are counted with it and cut into
pieces; non-negative weights that minimise the squared relative error are found by coordinate
descent on half of the files (by hash of the path) and judged on the other half. Needs tiktoken, and
no test runs this. Weights are rounded by hand afterwards, towards too many tokens where scripts
disagree.
"""

import base64
import hashlib
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

import tiktoken
from tiktoken_ext import openai_public

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "app"))

from ralex.core import tokens
from ralex.core.token_pieces import KINDS, count_pieces

SUFFIXES = {
    ".py",
    ".js",
    ".ts",
    ".md",
    ".json",
    ".toml",
    ".h",
    ".c",
    ".sh",
    ".css",
    ".html",
    ".txt",
}


def encoding(ranks: Path) -> tiktoken.Encoding:
    """Build o200k_base from a file of ranks, without the network."""
    table = {
        base64.b64decode(token): int(rank)
        for token, rank in (line.split() for line in ranks.read_bytes().splitlines() if line)
    }

    def local(*_: object, **__: object) -> dict[bytes, int]:
        return table

    openai_public.load_tiktoken_bpe = local
    parts = openai_public.o200k_base()
    return tiktoken.Encoding(
        name="o200k", pat_str=str(parts["pat_str"]), mergeable_ranks=table, special_tokens={}
    )


def features(text: str) -> list[float]:
    """Count pieces and the characters beyond the free ones, by kind."""
    counts, chars = count_pieces(text)
    return [*map(float, counts), *map(float, chars)]


def read(folders: list[Path]) -> Iterator[tuple[bool, str]]:
    """Yield text files, and whether they are for fitting."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix not in SUFFIXES or not path.is_file():
                continue
            text = path.read_text("utf-8", errors="ignore")
            if 300 < len(text) < 30_000:
                yield hashlib.sha256(str(path).encode()).digest()[0] % 2 == 0, text


def fit(rows: list[list[float]], *, rounds: int = 400) -> list[float]:
    """Find weights for rows that are divided by their count, so that each should sum to 1."""
    weights = [0.0] * (2 * KINDS)
    left = [1.0] * len(rows)
    for _ in range(rounds):
        for place, old in enumerate(weights):
            square = sum(row[place] ** 2 for row in rows)
            if not square:
                continue
            slope = sum(row[place] * rest for row, rest in zip(rows, left, strict=True))
            new = max(0.0, old + slope / square)
            if new != old:
                left = [
                    rest - (new - old) * row[place] for row, rest in zip(rows, left, strict=True)
                ]
                weights[place] = new
    return weights


def main(ranks: str, *folders: str) -> None:
    """Print the weights and the error on files they were not fitted on."""
    encoder = encoding(Path(ranks))
    fitted: list[list[float]] = []
    errors: list[float] = []
    held: list[list[float]] = []
    for is_for_fit, text in read([Path(folder) for folder in folders]):
        real = len(encoder.encode(text, disallowed_special=()))
        row = [value / real for value in features(text)]
        (fitted if is_for_fit else held).append(row)
        if not is_for_fit:
            errors.append(abs(tokens.estimate_tokens(text) / real - 1))
    weights = fit(fitted)
    print("per piece", [round(weight, 2) for weight in weights[:KINDS]])
    print("per char ", [round(weight, 2) for weight in weights[KINDS:]])
    new = [abs(sum(w * v for w, v in zip(weights, row, strict=True)) - 1) for row in held]
    for label, found in (("these", new), ("in use", errors)):
        tenth = statistics.quantiles(found, n=10)[-1]
        print(
            f"{label:7} median {statistics.median(found):.3f}  p90 {tenth:.3f}  files {len(found)}"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
