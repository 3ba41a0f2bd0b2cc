"""What a running command prints reaches the turn's watcher, without keys, and is not stored."""

from ralex.agent.live import grown
from ralex.core.events import AgentEvent, ToolCallFinished, ToolCallStarted, ToolOutputGrew
from ralex.core.ids import CallId
from tests.agent.script import DONE, HELLO, of, shell, step
from tests.agent.stand import Stand, play

KEY = "sk-test-0123456789abcdef"
COMMAND = "echo begun; until [ -e go ]; do sleep 0.01; done; echo over"


def told(text: str, total_bytes: int = 0) -> ToolOutputGrew:
    return grown(
        CallId("c"),
        text,
        total_bytes or len(text),
        blotted=lambda whole: whole.replace(KEY, "[key]"),
        secrets=(KEY,),
    )


async def test_it_comes_between_the_start_and_the_end_of_its_call_and_is_not_stored(
    stand: Stand,
) -> None:
    session = await stand.open([step(shell(COMMAND)), DONE])
    events: list[AgentEvent] = []
    async with session.turn(HELLO) as stream:
        async for event in stream:
            events.append(event)
            if isinstance(event, ToolOutputGrew):
                (stand.project / "go").touch()
    first = of(events, ToolOutputGrew)[0]
    assert (first.tail, first.is_cut, first.total_bytes) == ("begun\n", False, 6)
    kinds = [type(event) for event in events]
    place = kinds.index(ToolOutputGrew)
    assert kinds.index(ToolCallStarted) < place < kinds.index(ToolCallFinished)
    assert first.call_id == of(events, ToolCallStarted)[0].call_id
    assert of(await session.history(), ToolOutputGrew) == []


async def test_a_command_that_ends_at_once_tells_only_its_result(stand: Stand) -> None:
    session = await stand.open([step(shell("echo quick")), DONE])
    events = await play(session, HELLO)
    quick = of(events, ToolCallFinished)[0]
    assert quick.elapsed_ms > 300 or of(events, ToolOutputGrew) == []


async def test_the_users_own_command_is_told_as_well(stand: Stand) -> None:
    session = await stand.open([DONE])
    heard: list[ToolOutputGrew] = []

    def watch(event: ToolOutputGrew) -> None:
        heard.append(event)
        (stand.project / "go").touch()

    ran = await session.run_shell(COMMAND, watch=watch)
    assert (heard[0].tail, heard[0].call_id) == ("begun\n", "")
    assert ran.output == "begun\nover"


def test_no_key_is_told_whole_or_in_part() -> None:
    assert told(f"a {KEY} b").tail == "a [key] b"
    for size in range(6, len(KEY)):
        assert told(f"a {KEY[:size]}").tail == "a "
    # Cut off at its beginning: what is left of it lies before what is told.
    lines = "x" * 40 + "\n"
    assert "cdef" not in told(f"{KEY[9:]}\n{lines * 80}", 9_000).tail


def test_what_is_told_is_bounded_and_says_that_more_came_before() -> None:
    event = told("line\n" * 2_000)
    assert len(event.tail) <= 2_048
    assert event.is_cut
    assert not told("line\n").is_cut
