"""Turns on the screen: what is shown, queued, stopped, and what a failure leaves."""

import asyncio
from dataclasses import replace
from decimal import Decimal

from rich.segment import Segment

from ralex.core.events import (
    AdviceGiven,
    AgentEvent,
    ApprovalRequested,
    ContextAdded,
    ContextCompacted,
    ContextMasked,
    EvidenceNoted,
    Notice,
    RetryScheduled,
    SteeringDelivered,
    SteeringQueued,
    TurnFinished,
)
from ralex.core.ids import CallId
from ralex.core.routing import RouteReason
from ralex.core.stream import ReasoningDelta
from ralex.core.tiers import Tier
from ralex.core.usage import Usage
from ralex.tui.widgets.activity.activity import Activity
from ralex.tui.widgets.queue.queue import Queue
from ralex.tui.widgets.transcript.items import (
    AnswerItem,
    ErrorItem,
    FoldItem,
    NoticeItem,
    RouteItem,
    ToolItem,
    ToolState,
    UserItem,
)
from ralex.tui.widgets.transcript.scribe import Scribe
from tests.tui.fake_session import (
    STRONG,
    FakeOpener,
    FakeSession,
    an_error,
    budget,
    call,
    deltas,
    failed,
    finished,
    opening,
    plain_turn,
    route,
    said,
    step_finished,
)
from tests.tui.helpers import running


async def test_a_finished_turn_shows_prompt_receipt_and_answer_in_order() -> None:
    session = FakeSession(scripts=[plain_turn("hi", "Hello **you**.")])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("hi")
        await driver.idle()

        kinds = [type(item) for item in driver.chat.transcript.items]
        assert kinds == [UserItem, RouteItem, AnswerItem]
        text = driver.text()
        assert "hi" in text
        assert "SIMPLE → swift-mini" in text
        assert "score 0.06 · 12.4k tokens, 80 % cached · $0.0031" in text
        assert "Hello you." in text
        assert "**" not in text


async def test_the_status_bar_holds_the_numbers_of_ledger_and_provider() -> None:
    session = FakeSession(scripts=[plain_turn("hi", "Hello.")])
    async with running(session, size=(120, 24)) as driver:
        await driver.ready()
        assert driver.bar().startswith("yolo   router house   ~0 / 128k")
        await driver.send("hi")
        await driver.idle()

        bar = driver.bar()
        assert "SIMPLE → swift-mini ≈" in bar
        assert "12.4k / 128k" in bar
        assert "~12.4k" not in bar
        assert "$1.25 / $5.00" in bar
        assert "saved ~$3.40" in bar


async def test_the_money_stays_in_a_narrow_status_bar_and_names_are_cut() -> None:
    async with running(size=(60, 15)) as driver:
        await driver.ready()
        assert "$1.25 / $5.00" in driver.bar()
        assert "saved" not in driver.bar()
        await driver.pilot.resize_terminal(30, 15)
        assert "$1.25 / $5.00" in driver.bar()
        assert "router house" not in driver.bar()
        assert driver.bar().startswith("router…")


async def test_the_money_changes_its_class_at_the_alert_and_at_the_limit() -> None:
    near = FakeSession(money=budget(spent="4.10"))
    async with running(near) as driver:
        await driver.ready()
        bar = driver.chat.query_one("StatusBar")
        assert bar.has_class("-near-limit")
        assert not bar.has_class("-at-limit")
    out = FakeSession(money=budget(spent="5.00", held="0"))
    async with running(out) as driver:
        await driver.ready()
        assert driver.chat.query_one("StatusBar").has_class("-at-limit")


async def test_a_prompt_sent_while_a_turn_runs_waits_in_sight_and_steers_it() -> None:
    gate = asyncio.Event()
    session = FakeSession(scripts=[[*opening("one"), gate, finished("ok")]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.send("two [/b]")

        queue = driver.chat.query_one(Queue)
        await driver.until(lambda: queue.display)
        assert str(queue.render()).split("  ")[:2] == ["queued", "two [/b]"]
        gate.set()
        await driver.idle()
        assert session.prompts == ["one"]
        assert not queue.display
        items = driver.chat.transcript.items
        assert [item.source for item in items if isinstance(item, UserItem)] == ["one", "two [/b]"]


async def test_what_comes_too_late_for_a_turn_begins_the_next_one_at_once() -> None:
    class AtTheLastMoment(FakeSession):
        async def unsteer(self, index: int) -> str:
            withdrawn.append(self.waiting[index])
            return await super().unsteer(index)

    withdrawn: list[str] = []
    session = AtTheLastMoment(scripts=[plain_turn("one", "First."), plain_turn("two", "Second.")])

    async with running(session) as driver:
        await driver.ready()
        conversation = driver.chat.conversation
        show = conversation._show

        def watched(scribe: Scribe, event: AgentEvent) -> None:
            if isinstance(event, TurnFinished) and not withdrawn:
                session.steered.append(SteeringQueued(steering_id="late", text="and then two"))
            show(scribe, event)

        conversation._show = watched
        await driver.send("one")
        await driver.until(lambda: len(session.prompts) == 2)
        await driver.idle()
    assert session.prompts == ["one", "and then two"]
    assert withdrawn == ["and then two"]
    assert session.waiting == []


async def test_a_word_that_cannot_be_stored_goes_back_into_the_prompt() -> None:
    class Full(FakeSession):
        async def steer(self, text: str) -> None:
            raise an_error("the disk is full", "make room")

    gate = asyncio.Event()
    async with running(Full(scripts=[[*opening("one"), gate, finished("ok")]])) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.until(lambda: driver.chat.is_turn_running)
        await driver.send("two")
        await driver.until(lambda: driver.chat.transcript.newest(ErrorItem))
        assert driver.chat.prompt.text == "two"
        assert "the disk is full" in driver.text()
        gate.set()
        await driver.idle()
        assert driver.session.prompts == ["one"]


async def test_escape_stops_the_turn_and_loses_nothing() -> None:
    never = asyncio.Event()
    script = [*opening("one"), *deltas("Half an answer"), *call("bash", "sleep 9")[:1], never]
    session = FakeSession(scripts=[script])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.until(lambda: driver.chat.transcript.newest(ToolItem))
        await driver.send("and then this")
        await driver.until(lambda: session.waiting)
        await driver.pilot.press("escape")
        await driver.until(lambda: not driver.chat.is_turn_running)

        assert session.interrupted == 1
        answer = driver.chat.transcript.newest(AnswerItem)
        assert answer is not None
        assert answer.source == "Half an answer"
        card = driver.chat.transcript.newest(ToolItem)
        assert isinstance(card, ToolItem)
        assert card.state is ToolState.UNKNOWN
        assert "Stopped" in driver.text()
        assert "queued  and then this" in str(driver.chat.query_one(Queue).render())
        assert session.prompts == ["one"]
        assert not driver.chat.query_one(Activity).display


async def test_a_stopped_turn_shows_what_it_has_cost() -> None:
    stopped = replace(failed("interrupted", code="interrupted"), cost_usd=Decimal("0.0042"))
    script = [*opening("one"), *call("bash", "sleep 9")[:1], asyncio.Event()]
    session = FakeSession(scripts=[script], stopped=stopped)
    async with running(session) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.until(lambda: driver.chat.transcript.newest(ToolItem))
        await driver.pilot.press("escape")
        await driver.until(lambda: not driver.chat.is_turn_running)
        assert "$0.0042" in driver.text()
        assert driver.text().count("Stopped.") == 1
        card = driver.chat.transcript.newest(ToolItem)
        assert isinstance(card, ToolItem)
        assert (card.state, card.summary) == (ToolState.UNKNOWN, "stopped")


async def test_the_activity_line_tells_what_runs_and_is_hidden_when_nothing_does() -> None:
    gate = asyncio.Event()
    script = [*opening("one"), *call("bash", "pytest -q")[:1], gate, finished()]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        activity = driver.chat.query_one(Activity)
        assert not activity.display
        await driver.send("one")
        await driver.until(lambda: driver.chat.transcript.newest(ToolItem))
        driver.clock.now += 8.2
        activity.say("bash pytest -q")
        assert str(activity.render()) == "⠿ bash pytest -q  8.2 s · Esc to stop"
        gate.set()
        await driver.idle()
        assert not activity.display
        assert activity._timer is None


async def test_a_failed_turn_is_an_error_with_its_hint_and_the_next_turn_works() -> None:
    bad = [*opening("one")[:2], failed("acme refuses the key (401)", "set ACME_KEY")]
    session = FakeSession(scripts=[bad, plain_turn("two", "Fine.")])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.idle()
        error = driver.chat.transcript.newest(ErrorItem)
        assert isinstance(error, ErrorItem)
        assert (error.message, error.hint) == ("acme refuses the key (401)", "set ACME_KEY")
        await driver.send("two")
        await driver.idle()
        assert "Fine." in driver.text()


async def test_an_exception_out_of_the_stream_becomes_an_error_and_the_app_lives() -> None:
    session = FakeSession(scripts=[[*opening("one"), RuntimeError("[/usr/bin] burst")]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("one")
        await driver.idle()
        assert "this turn failed: [/usr/bin] burst" in driver.text()
        assert driver.app.is_running


async def test_a_session_that_does_not_open_is_an_error_and_the_next_enter_tries_again() -> None:
    opener = FakeOpener(
        FakeSession(), error=an_error("the store is locked", "close the other ralex")
    )
    async with running(opener=opener) as driver:
        await driver.until(lambda: driver.chat.transcript.items)
        assert "the store is locked" in driver.text()
        await driver.send("again")
        await driver.idle()
        assert opener.opened == 2
        assert opener.session.prompts == ["again"]


async def test_what_is_typed_and_sent_before_the_session_is_open_is_kept() -> None:
    opener = FakeOpener(FakeSession(), gate=asyncio.Event())
    async with running(opener=opener) as driver:
        await driver.type("early")
        await driver.pilot.press("enter")
        await driver.type("later")
        assert opener.session.prompts == []
        assert driver.chat.prompt.text == "later"
        assert opener.gate is not None
        opener.gate.set()
        await driver.idle()
        assert opener.session.prompts == ["early"]
        assert driver.chat.prompt.text == "later"


async def test_prompts_of_the_command_line_are_sent_one_after_the_other() -> None:
    async with running(prompts=["one", " ", "two"], warnings=["old [config]"]) as driver:
        await driver.idle()
        assert driver.session.prompts == ["one", "two"]
        notice = driver.chat.transcript.items[0]
        assert isinstance(notice, NoticeItem)
        assert notice.text == "old [config]"


async def test_tool_cards_are_one_line_until_they_are_opened() -> None:
    script = [
        *opening("x"),
        *call("read", "a.py", summary="3 lines", output="1\n2\n3"),
        *call(
            "bash",
            "false",
            arguments='{"command": "false"}',
            output="no",
            exit_code=1,
            is_error=True,
            summary="exit 1 · 0.4 s",
        ),
        finished(),
    ]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        rows = driver.rows()
        assert any(row.startswith("  ✓ read  a.py") and row.endswith("3 lines") for row in rows)
        assert any(row.startswith("  ✗ bash  false") for row in rows)
        assert "$ false" not in driver.text()
        await driver.pilot.press("ctrl+o")
        text = driver.text()
        assert "│ $ false" in text
        assert "│ no" in text
        assert text.count("exit 1 · 0.4 s") == 1
        await driver.pilot.press("ctrl+o")
        assert "$ false" not in driver.text()


async def test_a_click_opens_a_card_and_a_second_one_closes_it() -> None:
    script = [*opening("x"), *call("read", "a.py", output="first line"), finished()]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        y = next(at for at, row in enumerate(driver.rows()) if "a.py" in row)
        await driver.pilot.click("#transcript", offset=(8, y))
        assert "first line" in driver.text()
        await driver.pilot.click("#transcript", offset=(8, y))
        assert "first line" not in driver.text()


async def test_an_edit_shows_its_diff_with_line_numbers() -> None:
    diff = "--- a/a.py\n+++ b/a.py\n@@ -3,2 +3,3 @@ def f():\n same\n-old\n+new\n+more\n"
    script = [*opening("x"), *call("edit", "a.py", diff=diff), finished()]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        assert "+2 −1" in driver.text()
        await driver.pilot.press("ctrl+o")
        rows = [row.strip(" │") for row in driver.rows()]
        assert "4 - old" in rows
        assert "4 + new" in rows
        assert "5 + more" in rows


async def test_the_receipt_opens_to_score_alternatives_and_cost() -> None:
    async with running(FakeSession(scripts=[plain_turn("x", "Done.")]), size=(100, 40)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        item = driver.chat.transcript.newest(RouteItem)
        assert item is not None
        driver.chat.transcript.toggle_item(item)
        await driver.pilot.pause()
        text = driver.text()
        assert "The ask scores 0.06" in text
        assert "technicalTerms" in text
        assert "acme/deep-large" in text
        assert "a higher tier than the ask needs" in text
        assert "2,400 fresh + 9,600 cached → 420 written" in text
        assert "~$0.0390 less than on the top tier" in text


async def test_reasoning_is_folded_and_opens() -> None:
    script = [
        *opening("x"),
        ReasoningDelta(text="First I think. "),
        ReasoningDelta(text="Then more."),
        *deltas("Answer."),
        said("Answer.", "First I think. Then more."),
        finished("Answer."),
    ]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        assert "▸ Thought · 5 words" in driver.text()
        assert "First I think" not in driver.text()
        item = driver.chat.transcript.newest(FoldItem)
        assert item is not None
        driver.chat.transcript.toggle_item(item)
        await driver.pilot.pause()
        assert "│ First I think. Then more." in driver.text()
        folds = [item for item in driver.chat.transcript.items if isinstance(item, FoldItem)]
        assert len(folds) == 1


async def test_an_escalation_gets_a_receipt_of_its_own() -> None:
    up = route(Tier.COMPLEX, STRONG, RouteReason.ESCALATED)
    script = [*opening("x"), *call("bash", "pytest"), *opening("x", up)[1:2], finished()]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        first, second = (i for i in driver.chat.transcript.items if isinstance(i, RouteItem))
        assert first.receipt is not None
        assert first.receipt.cost_usd == Decimal("0.0031")
        assert second.receipt is None
        assert "COMPLEX → deep-large  ▲ escalated" in driver.text()


async def test_retries_notices_and_a_cut_answer_are_told() -> None:
    script = [
        *opening("x"),
        RetryScheduled(attempt=2, wait_s=3, next_model=STRONG, error="acme is overloaded (529)"),
        Notice(level="warning", text="80 % of today's budget is used"),
        *deltas("Long"),
        said("Long"),
        finished("Long", stop_reason="length"),
    ]
    async with running(FakeSession(scripts=[script]), size=(100, 30)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        text = driver.text()
        assert "! acme is overloaded (529) — trying acme/deep-large in 3.0 s (attempt 2)" in text
        assert "! 80 % of today's budget is used" in text
        assert "cut at the model's output limit" in text


async def test_what_happens_to_the_conversation_is_told_and_can_be_opened() -> None:
    script = [
        *opening("x"),
        ContextMasked(before=9, results=4, freed_tokens=12_400),
        ContextCompacted(
            text="all",
            summary="Goal: ship it.",
            kept_messages=2,
            tokens_before=98_000,
            tokens_after=6_000,
        ),
        EvidenceNoted(kind="failed_check", detail="pytest -q"),
        AdviceGiven(
            model=STRONG,
            tier=Tier.COMPLEX,
            text="Look at the rounding.",
            reason="The same test failed twice.",
            usage=Usage(),
            cost_usd=Decimal("0.012"),
        ),
        SteeringDelivered(steering_id="s", text="use Decimal"),
        finished(),
    ]
    async with running(FakeSession(scripts=[script]), size=(100, 30)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        text = driver.text()
        assert "Left 4 old tool results out of the context, ~12.4k tokens" in text
        assert "▸ conversation summarised · ~98k → ~6k tokens" in text
        assert "evidence: failed check · pytest -q" in text
        assert "▸ advice from acme/deep-large · $0.0120" in text
        assert "▌ use Decimal\n  · said meanwhile · swift-mini hears it with step 2" in text
        advice = driver.chat.transcript.newest(FoldItem)
        assert advice is not None
        driver.chat.transcript.toggle_item(advice)
        await driver.pilot.pause()
        assert "│ Look at the rounding." in driver.text()


async def test_an_approval_is_asked_and_answered() -> None:
    gate = asyncio.Event()
    ask = ApprovalRequested(
        request_id="r1",
        call_id=CallId("c"),
        name="bash",
        title="rm [/x]",
        choices=("deny", "allow"),
    )
    session = FakeSession(scripts=[[*opening("x"), ask, gate, finished()]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: len(driver.app.screen_stack) == 2)
        await driver.pilot.press("down", "enter")
        await driver.until(lambda: session.answers)
        assert session.answers == [("r1", "allow")]
        gate.set()
        await driver.idle()


async def test_leaving_an_approval_takes_the_harmless_choice() -> None:
    never = asyncio.Event()
    ask = ApprovalRequested(
        request_id="r1", call_id=CallId("c"), name="bash", title="rm", choices=("deny", "allow")
    )
    session = FakeSession(scripts=[[*opening("x"), ask, never]])
    async with running(session) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: len(driver.app.screen_stack) == 2)
        await driver.pilot.press("escape")
        await driver.until(lambda: session.answers)
        assert session.answers == [("r1", "deny")]


async def test_a_stored_session_is_shown_again_without_its_deltas() -> None:
    stored = [
        step
        for step in plain_turn("old ask", "Old answer.")
        if not isinstance(step, asyncio.Event | Exception)
    ]
    session = FakeSession(stored=stored)
    async with running(session) as driver:
        await driver.ready()
        kinds = [type(item) for item in driver.chat.transcript.items]
        assert kinds == [UserItem, RouteItem, AnswerItem]
        assert "Old answer." in driver.text()


async def test_the_label_stays_on_screen_and_the_opener_is_closed_at_the_end() -> None:
    session = FakeSession(label="DEMO · simulated prices", title="t" * 300)
    async with running(session, size=(60, 15)) as driver:
        await driver.ready()
        header = driver.chat.query_one("Header").render()
        assert str(header).rstrip().endswith("DEMO")
        assert len(str(header)) <= 60
    assert driver.opener.closed == 1


async def test_a_step_updates_the_context_and_the_money_while_the_turn_runs() -> None:
    gate = asyncio.Event()
    script = [*opening("x"), step_finished(budget(spent="2.00")), gate, finished()]
    async with running(FakeSession(scripts=[script]), size=(120, 24)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.until(lambda: "$2.00" in driver.bar())
        assert "12.4k / 128k" in driver.bar()
        gate.set()
        await driver.idle()


async def test_what_is_added_to_a_prompt_stands_below_its_receipt() -> None:
    added = ContextAdded(label="environment", text="Working directory: /home/ada")
    later = ContextAdded(label="AGENTS.md", text="Be brief.")
    first, *others = opening("x")
    script = [first, added, *others, *call("read", "a.py"), later, finished("ok")]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        rows = [row for row in driver.rows() if row.strip()]
        heads = [
            "▌ x",
            "  SIMPLE →",
            "  ▸ context · environment",
            "  ✓ read",
            "  ▸ context · AGENTS",
        ]
        for row, begin in zip(rows, heads, strict=True):
            assert row.startswith(begin)


async def test_a_turn_that_fails_before_its_route_shows_what_was_added() -> None:
    added = ContextAdded(label="environment", text="Working directory: /home/ada")
    script = [opening("x")[0], added, failed("no model can be paid", code="budget")]
    async with running(FakeSession(scripts=[script])) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        assert "▸ context · environment" in driver.text()


async def test_a_long_answer_to_a_command_is_shown_from_its_beginning() -> None:
    turn = [*opening("x"), *deltas("word " * 300), said("word " * 300), finished("ok")]
    async with running(FakeSession(scripts=[turn]), size=(80, 15)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        await driver.send("/why")
        await driver.until(lambda: isinstance(driver.chat.transcript.items[-1], RouteItem))
        rows = [row for row in driver.rows() if row.strip()]
        assert rows[0].startswith("  SIMPLE → swift-mini")
        assert "The ask scores" in rows[1]
        assert "more below" in rows[-1]
        await driver.pilot.press("ctrl+end")
        assert driver.chat.transcript.is_following


async def test_a_card_is_as_wide_as_what_it_holds_on_a_very_wide_screen() -> None:
    diff = "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-old\n+new\n same\n"
    output = "word " * 100
    script = [
        *opening("x"),
        *call("edit", "a.py", diff=diff),
        *call("bash", "make", arguments='{"command": "make"}', output=output, summary="exit 0"),
        finished(),
    ]
    async with running(FakeSession(scripts=[script]), size=(300, 40)) as driver:
        await driver.ready()
        await driver.send("x")
        await driver.idle()
        transcript = driver.chat.transcript
        for item in list(transcript.items):
            if isinstance(item, ToolItem):
                transcript.toggle_item(item)
        await driver.pilot.pause()
        rows = driver.rows()
        heads = [row for row in rows if "✓" in row]
        assert [len(row) for row in heads] == [200, 200]

        def is_bare(part: Segment) -> bool:
            ground = None if part.style is None else part.style.bgcolor
            return not part.text.strip() and ground == transcript.rich_style.bgcolor

        widest = max(
            sum(part.cell_length for part in transcript.render_line(y) if not is_bare(part))
            for y, row in enumerate(rows)
            if "old" in row and "new" in row
        )
        assert widest <= 200
        assert 190 <= max(len(row) for row in rows if "word" in row) <= 200
