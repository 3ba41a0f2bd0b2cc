"""Events are the same however the bytes are cut, and nothing but CR and LF ends a line."""

import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.providers.sse import SseEvent, SseLimitError, SseParser


def parse(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return events + parser.finish()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(b"data: a\n\ndata: b\n\n", ["a", "b"], id="lf"),
        pytest.param(b"data: a\r\n\r\ndata: b\r\n\r\n", ["a", "b"], id="crlf"),
        pytest.param(b"data: a\r\rdata: b\r\r", ["a", "b"], id="cr"),
        pytest.param(b"data: a\r\n\ndata: b\r\r\n", ["a", "b"], id="mixed"),
        pytest.param(b"data:a\n\n", ["a"], id="no space"),
        pytest.param(b"data:  a\n\n", [" a"], id="one space only is dropped"),
        pytest.param(b"data: a\ndata: b\n\n", ["a\nb"], id="several data lines"),
        pytest.param(b": hello\n\n: x\ndata: a\n: y\n\n", ["a"], id="comments"),
        pytest.param(b"\xef\xbb\xbfdata: a\n\n", ["a"], id="byte order mark"),
        pytest.param(b"data\n\n", [""], id="data without colon"),
        pytest.param(b"id: 1\nretry: 5\nfoo\n\n", [], id="no data, no event"),
        pytest.param("data: a\u2028b\u2029c\u0085d\n\n".encode(), ["a\u2028b\u2029c\u0085d"],
                     id="other line separators do not split"),
        pytest.param(b"data: \xff\n\n", ["\ufffd"], id="bytes that are not UTF-8"),
    ],
)  # fmt: skip
def test_events_are_read_as_the_specification_says(raw: bytes, expected: list[str]) -> None:
    assert [event.data for event in parse(raw)] == expected
    assert all(event.is_whole for event in parse(raw))


def test_the_name_belongs_to_its_own_event_only() -> None:
    events = parse(b"event: error\ndata: a\n\ndata: b\n\nevent: lost\n\ndata: c\n\n")
    assert [(event.name, event.data) for event in events] == [("error", "a"), ("", "b"), ("", "c")]


@pytest.mark.parametrize("tail", [b"data: b", b"data: b\n", b"data: b\r\n"])
def test_a_last_event_without_its_blank_line_is_delivered_as_not_whole(tail: bytes) -> None:
    assert parse(b"data: a\n\n" + tail) == [SseEvent("a"), SseEvent("b", "", is_whole=False)]


words = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
starts = st.sampled_from([b"data: ", b"data:", b": ", b"event: ", b"data", b"", b"\xff", b"\xc3"])
endings = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b"\r\n\r\n", b""])


@st.composite
def byte_streams(draw: st.DrawFn) -> bytes:
    """Draw a stream of lines, well formed or not, with every kind of line ending."""
    raw = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    for _ in range(draw(st.integers(0, 12))):
        raw += draw(starts) + draw(words).encode() + draw(endings)
    return raw


@given(raw=byte_streams(), data=st.data())
def test_any_cut_of_the_bytes_gives_the_same_events(raw: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    edges = [0, *cuts, len(raw)]
    chunks = [raw[start:end] for start, end in pairwise(edges)]
    assert parse(*chunks) == parse(raw)
    assert parse(*[raw[i : i + 1] for i in range(len(raw))]) == parse(raw)


@pytest.mark.parametrize("prefix", [b"data: ", b": "], ids=["data", "comment"])
def test_a_line_without_end_stops_at_the_limit(prefix: bytes) -> None:
    parser = SseParser(limit_bytes=10_000)
    parser.feed(prefix + b"x" * 9_000)
    with pytest.raises(SseLimitError, match="10,000"):
        parser.feed(b"x" * 1000)


def test_an_event_of_endless_lines_stops_at_the_limit() -> None:
    parser = SseParser(limit_bytes=10_000)
    with pytest.raises(SseLimitError):
        parser.feed(b"data: xxx\n" * 3000)


def test_many_events_never_count_towards_the_limit() -> None:
    parser = SseParser(limit_bytes=100)
    for _ in range(100):
        assert parser.feed(b": comment\ndata: 0123456789\n\n") == [SseEvent("0123456789")]


def test_time_is_linear_in_the_bytes_of_a_line_cut_into_single_bytes() -> None:
    def cost_s(size: int) -> float:
        parser = SseParser()
        start = time.process_time()
        for _ in range(size):
            parser.feed(b"x")
        parser.feed(b"\n\n")
        return time.process_time() - start

    cost_s(1000)
    small, large = min(cost_s(10_000) for _ in range(3)), min(cost_s(80_000) for _ in range(3))
    assert large < small * 8 * 4
