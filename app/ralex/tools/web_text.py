"""The readable text of a web page, in the manner of Markdown.

The page is scanned once from front to back, whatever it holds: unlike a general parser this cannot
be made slow by a page that was written for it.
"""

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from urllib.parse import urljoin, urlsplit

from ralex.core.records import dataclass

_SKIPPED = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "math"})
_RAW = frozenset({"script", "style", "textarea", "title"})
_FRAME = frozenset({"nav", "footer", "aside", "form", "button", "select", "dialog"})
_MAIN = frozenset({"main", "article"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    """
    address article aside blockquote body dd details div dl dt fieldset figcaption figure footer
    form header hr html li main nav ol p pre section summary table tr ul
    """.split()  # noqa: SIM905 - one name to a line would fill a screen
) | frozenset(_HEADINGS)
_SPACED = frozenset({"p", "table", "blockquote", "dl", "hr"})
_TAG = re.compile(r"<(?=[a-zA-Z/!?])")
_NAME = re.compile(r"[a-zA-Z][^\s/>]{0,60}")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]{1,40})\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")
_RAW_ENDS = {tag: re.compile(f"</{tag}", re.IGNORECASE | re.ASCII) for tag in _RAW}
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_LEAST_MAIN_CHARS = 200
_MOST_URL = 500
_MOST_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says.

    Attributes:
        title: Its title on one line, or empty.
    """

    title: str
    text: str


def page_text(source: str, url: str) -> Page:
    """Write a page down as text; its main part alone where it marks one.

    Args:
        url: Where it is from; links are told from there.
    """
    whole, main = _Writer(url), _Writer(url)
    title = ""
    skipped: list[str] = []
    framed = main_depth = 0
    for kind, value, attributes in _tokens(source):
        if kind == "title":
            title = title or " ".join(html.unescape(value).split())[:300]
            continue
        if skipped:
            if kind == "open" and value == skipped[-1]:
                skipped.append(value)
            elif kind == "close" and value == skipped[-1]:
                skipped.pop()
            continue
        if kind == "open" and value in _SKIPPED:
            skipped.append(value)
            continue
        if kind != "text" and value in _FRAME:
            framed = max(0, framed + (1 if kind == "open" else -1))
        if kind == "open" and value in _MAIN:
            main_depth += 1
        if not framed:
            whole.take(kind, value, attributes)
            if main_depth:
                main.take(kind, value, attributes)
        if kind == "close" and value in _MAIN:
            main_depth = max(0, main_depth - 1)
    text = main.text()
    return Page(title, text if len(text) >= _LEAST_MAIN_CHARS else whole.text() or text)


def _tokens(source: str) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Give texts, opening and closing tags, and the title; a broken tag is text."""
    at, size = 0, len(source)
    scan = _Scan(source)
    while at < size:
        found = _TAG.search(source, at)
        start = found.start() if found else size
        if start > at:
            yield "text", source[at:start], {}
        if start >= size:
            return
        at = start + 1
        if source.startswith("<!--", start):
            at = scan.after("-->", start + 4)
        elif source.startswith(("<!", "<?"), start):
            at = scan.after(">", start + 2)
        else:
            is_close = source.startswith("/", at)
            name = _NAME.match(source, at + is_close)
            end = scan.tag_end(name.end()) if name else -1
            if name is None or end < 0:
                yield "text", "<", {}
                continue
            at = end + 1
            tag = name[0].casefold()
            if is_close:
                yield "close", tag, {}
                continue
            if tag in _RAW:
                stop, at = scan.raw_end(tag, at)
                if tag == "title":
                    yield "title", source[end + 1 : stop], {}
                continue
            yield "open", tag, _attributes(source[name.end() : end]) if tag in ("a", "img") else {}


class _Scan:
    """Looks ahead; what was not found once is not looked for again, so that the time is linear."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._absent: set[str] = set()

    def find(self, text: str, start: int) -> int:
        if text in self._absent:
            return -1
        found = self._source.find(text, start)
        if found < 0:
            self._absent.add(text)
        return found

    def after(self, text: str, start: int) -> int:
        found = self.find(text, start)
        return found + len(text) if found >= 0 else len(self._source)

    def raw_end(self, tag: str, start: int) -> tuple[int, int]:
        """Find where the raw text of an element stops and what comes behind it begins."""
        found = _RAW_ENDS[tag].search(self._source, start)
        if found is None:
            return len(self._source), len(self._source)
        return found.start(), self.after(">", found.start())

    def tag_end(self, start: int) -> int:
        """Find the ``>`` of a tag, passing over quoted values; -1 if there is none."""
        at = start
        while True:
            end = self.find(">", at)
            if end < 0:
                return -1
            quotes = [(self._source.find(mark, at, end), mark) for mark in "\"'"]
            quote, mark = min((one for one in quotes if one[0] >= 0), default=(-1, ""))
            if quote < 0:
                return end
            closing = self.find(mark, quote + 1)
            if closing < 0 or closing - quote > 20_000:
                return end
            at = closing + 1


def _attributes(text: str) -> Mapping[str, str]:
    return {
        match[1].casefold(): html.unescape(match[2] or match[3] or match[4] or "")
        for match in _ATTRIBUTE.finditer(text[:4000])
    }


@dataclass(slots=True)
class _Writer:
    """Puts lines together.

    Attributes:
        url: Links are told from there.
    """

    url: str
    _lines: list[str] = field(default_factory=list[str])
    _line: list[str] = field(default_factory=list[str])
    _lists: list[int] = field(default_factory=list[int])
    _links: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    _pre: int = 0
    _prefix: str = ""

    def take(self, kind: str, value: str, attributes: Mapping[str, str]) -> None:
        """Take the next token."""
        match kind:
            case "text":
                self._say(html.unescape(value))
            case "open":
                self._open(value, attributes)
            case _:
                self._close(value)

    def text(self) -> str:
        """Give everything so far, blank lines never doubled."""
        self._break()
        kept: list[str] = []
        for line in self._lines:
            if line or (kept and kept[-1]):
                kept.append(line)
        return "\n".join(kept).strip("\n")

    def _say(self, text: str) -> None:
        if self._pre:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self._line.append(first)
            for line in rest:
                self._end_line()
                self._line.append(line)
            return
        self._line.append(_BLANKS.sub(" ", text))

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in _BLOCKS:
            self._break()
        match tag:
            case "br":
                self._end_line()
            case "pre":
                self._pre += 1
                self._lines += ["", "```"]
            case "ul" | "ol":
                self._lists.append(0 if tag == "ol" else -1)
            case "li":
                self._prefix = self._bullet()
            case "td" | "th" if "".join(self._line).strip():
                self._line.append(" | ")
            case "code" if not self._pre:
                self._line.append("`")
            case "a":
                self._links.append((len(self._line), attributes.get("href", "")))
            case "img" if attributes.get("alt", "").strip():
                self._line.append(f"[picture: {_BLANKS.sub(' ', attributes['alt']).strip()[:200]}]")
            case _ if tag in _HEADINGS:
                self._lines.append("")
                self._prefix = "#" * _HEADINGS[tag] + " "
            case _:
                if tag in _SPACED:
                    self._lines.append("")

    def _close(self, tag: str) -> None:
        match tag:
            case "pre" if self._pre:
                self._end_line()
                self._pre -= 1
                self._lines += ["```", ""]
                return
            case "ul" | "ol" if self._lists:
                self._break()
                self._lists.pop()
                if not self._lists:
                    self._lines.append("")
                return
            case "code" if not self._pre:
                self._line.append("`")
            case "a" if self._links:
                self._end_link(*self._links.pop())
            case _:
                pass
        if tag in _BLOCKS:
            self._break()
        if tag in _HEADINGS or tag in _SPACED:
            self._lines.append("")

    def _bullet(self) -> str:
        indent = "  " * (min(len(self._lists), _MOST_DEPTH) - 1)
        if self._lists and self._lists[-1] >= 0:
            self._lists[-1] += 1
            return f"{indent}{self._lists[-1]}. "
        return f"{indent}- "

    def _end_link(self, start: int, target: str) -> None:
        """Write a link with its target, where there is one to go to."""
        said = "".join(self._line[start:]).strip()
        url = _absolute(self.url, target)
        if said and url and said != url:
            before = " " if self._line[start:] and self._line[start].startswith(" ") else ""
            self._line[start:] = [f"{before}[{said}]({url})"]

    def _end_line(self) -> None:
        line = "".join(self._line)
        self._line.clear()
        self._links = [(0, target) for _, target in self._links]
        self._lines.append(line.rstrip() if self._pre else f"{self._prefix}{line.strip()}".rstrip())
        if line.strip():
            self._prefix = ""

    def _break(self) -> None:
        """End a line that holds something."""
        if self._pre or "".join(self._line).strip():
            self._end_line()
        else:
            self._line.clear()
            self._links = [(0, target) for _, target in self._links]


def _absolute(base: str, target: str) -> str:
    if not target or target.startswith("#"):
        return ""
    try:
        url = urljoin(base, target.strip())
        scheme = urlsplit(url).scheme
    except ValueError:
        return ""
    return url if scheme in ("http", "https") and len(url) <= _MOST_URL else ""
