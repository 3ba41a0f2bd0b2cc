"""What a fetched page holds, as text for the model: its encoding, its kind, its length."""

import codecs
import re
import secrets

from ralex.errors import ToolError
from ralex.tools.base import ToolContext, ToolOutcome
from ralex.tools.output import private_file
from ralex.tools.web_client import MAX_BODY_BYTES, Answer
from ralex.tools.web_text import Page, page_text

MAX_SHOWN_BYTES = 50 * 1024
_MAX_ERROR_CHARS = 2000
_SNIFFED_BYTES = 4096
_PLAIN = re.compile(r"text/|[/+](?:json|xml|yaml|toml|javascript|x-ndjson|x-sh)\b")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)


def page_outcome(answer: Answer, context: ToolContext) -> ToolOutcome:
    """Tell what came; an answer that is no success is an outcome marked as an error.

    Raises:
        ToolError: If it is no text.
    """
    page = _read(answer)
    about = " · ".join(part for part in (answer.url, page.title, f"HTTP {answer.status}") if part)
    if answer.status >= 400:
        text = f"[{about}]\n{page.text[:_MAX_ERROR_CHARS]}"
        return ToolOutcome(text=text, summary=f"HTTP {answer.status}", is_error=True)
    data = page.text.encode("utf-8", "replace")
    shown = page.text
    notes: list[str] = []
    if len(data) > MAX_SHOWN_BYTES:
        shown = data[:MAX_SHOWN_BYTES].decode("utf-8", "ignore").rpartition("\n")[0]
        shown = shown or data[:MAX_SHOWN_BYTES].decode("utf-8", "ignore")
        notes.append(
            f"the first {len(shown):,} of {len(page.text):,} characters; {_kept(data, context)}"
        )
    if answer.is_cut:
        notes.append(f"only the first {MAX_BODY_BYTES:,} bytes were fetched")
    if answer.is_broken:
        notes.append("the connection broke off before the end of the page")
    if not page.text.strip():
        notes.append("the page holds no text; it may be made by a script in a browser")
    end = f"\n[{'; '.join(notes)}]" if notes else ""
    return ToolOutcome(text=f"[{about}]\n{shown}{end}", summary=f"{len(page.text):,} characters")


def _kept(data: bytes, context: ToolContext) -> str:
    """Keep a long text whole in a file that the model can read and grep."""
    path = context.output_dir / f"web-{secrets.token_hex(4)}.txt"
    try:
        with private_file(path) as file:
            file.write(data)
    except OSError as error:
        return f"the rest could not be kept: {error.strerror or error}"
    return f"all of it is in {path}"


def _read(answer: Answer) -> Page:
    kind = answer.content_type.partition(";")[0].strip()
    start = answer.body[:_SNIFFED_BYTES]
    size = f"{answer.length or len(answer.body):,}{'+' if answer.is_cut else ''} bytes"
    if kind == "application/pdf" or start.startswith(b"%PDF"):
        raise ToolError(
            f"{answer.url} is a PDF ({size}): download it with curl in bash and turn it into text, "
            "for example with pdftotext"
        )
    is_html = kind in ("text/html", "application/xhtml+xml") or (
        not kind and b"<html" in start.lower()
    )
    text_like = is_html or not kind or _PLAIN.search(kind) is not None
    is_binary = start.count(b"\0") > len(start) // 100 and not _has_mark(start)
    if not text_like or is_binary:
        raise ToolError(
            f"{answer.url} is no text ({kind or 'unknown kind'}, {size}): download it with curl "
            "in bash if you need it"
        )
    text = _CONTROL.sub("", _decoded(answer, is_html=is_html))
    return page_text(text, answer.url) if is_html else Page("", text.strip("\n"))


def _decoded(answer: Answer, *, is_html: bool) -> str:
    """Read the text in the encoding that its mark, the server or the page itself names."""
    body = answer.body
    named = _CHARSET.search(answer.content_type)
    if named is None and is_html:
        named = _CHARSET.search(body[:_SNIFFED_BYTES].decode("latin-1"))
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec, "replace")
    if named is not None:
        try:
            name = codecs.lookup(named[1]).name
            # What is named latin-1 on the web is Windows' own, as browsers read it.
            return body.decode("cp1252" if name == "iso8859-1" else name, "replace")
        except (LookupError, TypeError, ValueError):
            pass
    try:
        return body[: len(body) - 3 * answer.is_cut].decode("utf-8")
    except UnicodeDecodeError as error:
        is_end = answer.is_cut and error.start > len(body) - 8
        return body.decode("utf-8" if is_end else "cp1252", "replace")


_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def _has_mark(start: bytes) -> bool:
    return start.startswith(tuple(mark for mark, _ in _MARKS))
