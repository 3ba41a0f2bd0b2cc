"""Markdown: what it looks like, that a live answer ends up the same, and that none takes long."""

import random
import statistics
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it.token import Token
from rich.style import Style
from textual.app import App

from ralex.resources import folder
from ralex.tui.markdown import feed
from ralex.tui.markdown.feed import LiveMarkdown, split_source
from ralex.tui.markdown.render import Frame, MarkdownRenderer, parse
from ralex.tui.palette import Palette, palette
from ralex.tui.themes import read_theme

SAMPLE = """# Title

A *paragraph* with `code` and a [link](http://x.y) that is long enough to be wrapped at sixty.

- one
- two
  - nested

3. three
4. four

> quoted

```python
def f(x: int) -> str:
    return f"{x}"
```

| name | count |
|---|---:|
| a | 1 |
| bb | 22 |

<b>html</b> and [/x] stay as written
"""


def theme_palette(name: str = "ralex-dark") -> Palette:
    app: App[None] = App()
    app.register_theme(read_theme(Path(folder("themes")) / f"{name}.toml").theme)
    app.theme = name
    return palette(app.get_css_variables())


RENDERER = MarkdownRenderer(theme_palette())


def frame(width: int = 60) -> Frame:
    lead = [("  ", Style.null())]
    return Frame(width, width, list(lead), list(lead), 2)


def texts(markdown: str, width: int = 60) -> list[str]:
    return [row.strip.text.rstrip() for row in RENDERER.text(markdown, frame(width))]


def test_blocks_look_as_expected() -> None:
    assert texts(SAMPLE) == [
        "  Title",
        "",
        "  A paragraph with code and a link (http://x.y) that is long",
        "  enough to be wrapped at sixty.",
        "",
        "  • one",
        "  • two",
        "    • nested",
        "",
        "  3. three",
        "  4. four",
        "",
        "  ▏ quoted",
        "",
        "   python",
        "   def f(x: int) -> str:",
        '       return f"{x}"',
        "",
        "  name  count",
        "  ───────────",
        "  a         1",
        "  bb       22",
        "",
        "  <b>html</b> and [/x] stay as written",
    ]


@pytest.mark.parametrize("seed", range(12))
def test_an_answer_that_arrived_in_pieces_looks_like_the_whole(seed: int) -> None:
    dice = random.Random(seed)
    live = LiveMarkdown(RENDERER, frame())
    at = 0
    while at < len(SAMPLE):
        size = dice.randint(1, 25)
        live.feed(SAMPLE[at : at + size])
        at += size
    assert live.source == SAMPLE
    assert [row.strip.text.rstrip() for row in live.rows] == texts(SAMPLE)


@settings(max_examples=60)
@given(st.text(alphabet=st.sampled_from("#*_`~[]()<>|-+1. \n\tab!\\&;:=漢"), max_size=120))
def test_no_markdown_breaks_the_renderer_and_every_row_has_its_width(text: str) -> None:
    for width in (12, 60):
        assert all(row.strip.cell_length == width for row in RENDERER.text(text, frame(width)))
    live = LiveMarkdown(RENDERER, frame())
    for letter in text:
        live.feed(letter)
    assert live.source == text


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60_000,
        "`" * 60_000,
        "> " * 3_000,
        "*a" * 30_000,
        "x" * 1_000_000,
        "| a " * 4_000,
        "- " * 4_000,
    ],
    ids=lambda text: f"{text[:4]} x {len(text)}",
)
def test_hostile_markdown_is_drawn_in_reasonable_time(text: str) -> None:
    start = time.process_time()
    for part in split_source(text):
        RENDERER.text(part, frame(100))
    assert time.process_time() - start < 4


def test_a_long_answer_is_split_and_its_fences_are_opened_again() -> None:
    code = "x = 1  # comment\n" * 4_000
    parts = split_source(f"before\n\n```python\n{code}```\nafter\n")
    assert len(parts) > 1
    assert all(part.count("```") == 2 for part in parts)
    assert all(part.startswith("```python") for part in parts[1:])
    assert sum(part.count("x = 1") for part in parts) == 4_000
    assert parts[-1].rstrip().endswith("after")


def test_a_growing_fence_costs_the_same_at_its_end_as_at_its_start() -> None:
    live = LiveMarkdown(RENDERER, frame())
    live.feed("```python\n")
    costs: list[float] = []
    for _ in range(40):
        start = time.process_time()
        for _ in range(20):
            live.feed("value = compute(1, 'two')\n")
        costs.append(time.process_time() - start)
    assert statistics.median(costs[-10:]) < 3 * statistics.median(costs[:10]) + 0.005


@pytest.mark.parametrize("ends", [" ", "\n"], ids=["one line", "many lines"])
def test_a_long_paragraph_is_frozen_from_its_start_and_looks_like_the_whole(ends: str) -> None:
    dice = random.Random(7)
    words = [
        "because",
        "the",
        "- dash",
        "1. one",
        "# hash",
        "of",
        "router",
        "decides",
        "(and)",
        "漢字",
    ]
    source = "".join(f"{dice.choice(words)} {'x' * dice.randint(1, 9)}{ends}" for _ in range(2_000))
    source = source.replace("\n-", " -").replace("\n1.", " 1.").replace("\n#", " #").strip()
    live = LiveMarkdown(RENDERER, frame())
    for at in range(0, len(source), 50):
        live.feed(source[at : at + 50])
    assert live.source == source
    assert len(live.tail) < 6_000
    assert [row.strip.text.rstrip() for row in live.rows] == texts(source)


def test_markup_in_a_long_paragraph_is_never_torn() -> None:
    sentence = (
        "It calls `total(a. b)` and *not. that* one, see [the. docs](http://x.y). Then it ends. "
    )
    live = LiveMarkdown(RENDERER, frame())
    for at in range(0, len(sentence) * 200, 40):
        live.feed((sentence * 200)[at : at + 40])
    shown = " ".join(row.strip.text for row in live.rows)
    assert not set("`*[]") & set(shown)
    assert len(live.tail) < 6_000


def test_a_growing_paragraph_costs_the_same_at_its_end_as_at_its_start() -> None:
    live = LiveMarkdown(RENDERER, frame())
    live.feed("Words that come and go, one after the other. " * 200)
    costs: list[float] = []
    for _ in range(40):
        start = time.process_time()
        for _ in range(4):
            live.feed("Words that come and go, one after the other. " * 4)
        costs.append(time.process_time() - start)
    assert statistics.median(costs[-10:]) < 3 * statistics.median(costs[:10]) + 0.005


TIGHT = "- An item with `code` and words enough to be wrapped at sixty cells.\n  - nested\n"
LOOSE = "- The first paragraph of an item.\n\n  Its second one.\n\n"
FENCED = "- An item:\n\n  ```python\n  x = 1\n  ```\n\n"
NUMBERED = "".join(f"{number}. Step {number} of many.\n" for number in range(100, 400))


@pytest.mark.parametrize(
    "source",
    [TIGHT * 60, LOOSE * 60, FENCED * 60, NUMBERED, f"{TIGHT * 60}\nAfter it.\n\n{TIGHT * 9}"],
    ids=["tight", "loose", "fenced", "numbered", "between paragraphs"],
)
def test_a_long_list_is_frozen_item_by_item_and_looks_like_the_whole(source: str) -> None:
    dice = random.Random(3)
    live = LiveMarkdown(RENDERER, frame())
    longest = at = 0
    while at < len(source):
        size = dice.randint(1, 60)
        live.feed(source[at : at + size])
        at += size
        longest = max(longest, len(live.tail))
    assert live.source == source
    assert longest < 1_400
    assert [row.strip.text.rstrip() for row in live.rows] == texts(source)


def test_of_a_growing_list_only_the_newest_item_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[int] = []

    def counted(text: str) -> list[Token] | None:
        parsed.append(len(text))
        return parse(text)

    monkeypatch.setattr(feed, "parse", counted)
    live = LiveMarkdown(RENDERER, frame())
    for _ in range(400):
        live.feed("- An item that")
        live.feed(" is long.\n")
    assert max(parsed[-100:]) < 100
    assert len(parsed) == 800
