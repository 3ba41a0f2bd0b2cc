"""What a page says, and that no page can make the reading slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.tools.web_text import page_text

URL = "https://docs.example/guide/"


def text(source: str) -> str:
    return page_text(source, URL).text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("<h1>A <em>b</em></h1><h3>c</h3>", "# A b\n\n### c"),
        ("<p>one\n  two</p><p>three<br>four", "one two\n\nthree\nfour"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>", "- a\n- b\n  - c"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<pre>def f():\n    return 1 &lt; 2</pre>", "```\ndef f():\n    return 1 < 2\n```"),
        ("<table><tr><th>A<th>B<tr><td>1<td>2</table>", "A | B\n1 | 2"),
        (
            'see <a href="../x?a=1&amp;b=2">the <b>x</b></a>.',
            "see [the x](https://docs.example/x?a=1&b=2).",
        ),
        ('<a href="#top">up</a> <a href="javascript:x()">run</a>', "up run"),
        ("<script>if (a < b) '</p>'</script><style>p{}</style>words", "words"),
        ("<SCRIPT>x</Script >words", "words"),
        ("İ<script>x</script>words", "İwords"),
        ('<p title="a > b">words', "words"),
        ("<!-- <p>no</p> -->words<!doctype x>", "words"),
        ("use <code>f(x)</code> &amp; go", "use `f(x)` & go"),
        ('<img alt="A logo"><img src=x>', "[picture: A logo]"),
        ("<nav>menu</nav>words<footer>foot</footer>", "words"),
        ("a < b and <3", "a < b and <3"),
        ("<svg><title>icon</title><text>no</text></svg>words", "words"),
        ("", ""),
    ],
)
def test_markup_becomes_plain_text(source: str, expected: str) -> None:
    assert text(source) == expected


def test_the_main_part_alone_is_given_where_there_is_one() -> None:
    long = "words and more of them. " * 20
    assert text(f"<body>menu<main><p>{long}</p></main>more</body>") == long.strip()
    assert text("<body>menu <main>short</main> more</body>") == "menu\nshort\nmore"


def test_the_title_is_one_line() -> None:
    page = page_text("<title>A\n &amp; B</title><title>other</title><svg><title>x</title>", URL)
    assert page.title == "A & B"


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<!",
        "<!--",
        "<a ",
        '<a href="',
        "<a '\"",
        "<div>",
        "<script>",
        "</a>",
        "&",
        "<a b=",
        "<title>",
    ],
)
def test_a_page_written_to_be_slow_is_read_in_one_pass(piece: str) -> None:
    """Quadratic reading of these 500 KB would take minutes; the test would not come back."""
    text(piece * (500_000 // len(piece)))


@given(st.text(alphabet="<>/!-=\"' apredivsctxlou&;\n", max_size=300))
def test_any_text_is_read(source: str) -> None:
    page_text(source, URL)
