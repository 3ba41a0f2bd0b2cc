"""Hostile text in every dialog: it is shown as text, nothing reaches the terminal, nothing ends."""

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from textual.screen import Screen

from ralex.config.model import UntrustedFile
from ralex.core.budget import LimitChange, LimitName, SpendRow
from ralex.core.events import ApprovalRequested, QuestionAsked
from ralex.core.ids import CallId, ModelId, SessionId
from ralex.core.routing import Router
from ralex.core.tiers import Tier
from ralex.providers.local_servers import LocalServer
from ralex.tools.jobs import JobInfo
from ralex.tui.screens.budget.screen import BudgetScreen
from ralex.tui.screens.dialogs.approval import ApprovalScreen
from ralex.tui.screens.dialogs.picker import Entry, PickerScreen
from ralex.tui.screens.dialogs.question import QuestionScreen
from ralex.tui.screens.dialogs.trust import TrustScreen
from ralex.tui.screens.sessions.screen import SessionsScreen
from ralex.tui.screens.setup.screen import SetupScreen
from tests.tui.fake_session import CHEAP, MODELS, USAGE, FakeOpener, FakeSession
from tests.tui.helpers import Driver, running
from tests.tui.test_hostile import MARKUP, OWN, UNSAFE, corpus
from tests.tui.test_sessions import told
from tests.tui.test_setup import Call, Place

DIALOGS = 6
TEXTS = [*MARKUP, *OWN, *corpus()]


class SpendSession(FakeSession):
    """A session whose ledger holds a hostile name."""

    name: str = ""

    async def spend(self, by: str, *, days: int) -> list[SpendRow]:
        if by == "day":
            return await super().spend(by, days=days)
        return [
            SpendRow(key=self.name, calls=1, cost_usd=Decimal(1), saved_usd=Decimal(0), usage=USAGE)
        ]

    async def set_limit(self, kind: LimitName, usd: Decimal | None) -> LimitChange:
        return LimitChange(limits=self.limits, file=self.name, notes=(self.name,))


def dialogs(text: str) -> list[Screen[Any]]:
    """Put a text everywhere a dialog can show one from."""
    arguments = json.dumps({"command": text, "old": text, "new": f"{text}x", text: text})
    ask = ApprovalRequested(
        request_id="r",
        call_id=CallId("c"),
        name=text,
        title=text,
        choices=("deny", "allow", "always", text),
        pattern=text,
        reason=text,
        arguments_json=arguments,
    )
    question = QuestionAsked(
        request_id="q", call_id=CallId("c"), question=text, options=(text, f"{text}2")
    )
    budget = SpendSession()
    budget.name = text
    return [
        ApprovalScreen(ask),
        ApprovalScreen(replace(ask, name="edit", arguments_json=json.dumps({text: text}))),
        QuestionScreen(question),
        TrustScreen(
            UntrustedFile(path=Path(f"/{text}".replace("\0", "")), digest="", asks=(text,))
        ),
        PickerScreen(
            text, [Entry(value=text, hint=text, label=text)], head=text, about=lambda _v: [text]
        ),
        BudgetScreen(budget),
    ]


def visible(driver: Driver) -> str:
    """Give what the terminal would get, without the frame that the picture itself has."""
    screen = driver.app.screen
    lines = screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines)


def assert_is_text(driver: Driver, where: str) -> None:
    unsafe = UNSAFE.search(visible(driver).replace("\n", ""))
    assert unsafe is None, f"{unsafe.group()!a} in {where}"


@pytest.mark.parametrize("place", range(DIALOGS))
async def test_no_dialog_lets_hostile_text_through(place: int) -> None:
    async with running(size=(90, 34)) as driver:
        await driver.ready()
        for text in TEXTS:
            every = dialogs(text)
            assert len(every) == DIALOGS
            dialog = every[place]
            driver.app.push_screen(dialog)
            await driver.until(lambda dialog=dialog: driver.app.screen is dialog)
            await driver.pilot.pause()
            assert_is_text(driver, f"{type(dialog).__name__} of {text!a}")
            driver.app.pop_screen()
            await driver.pilot.pause()
        assert driver.app.is_running


async def test_no_list_lets_hostile_text_through() -> None:
    models = tuple(replace(MODELS[0], id=ModelId(f"acme/{text}"), label=text) for text in TEXTS)
    routers = tuple(Router(name=text, tiers={Tier.SIMPLE: (CHEAP,)}) for text in TEXTS)
    stored = [
        FakeSession(id=SessionId(f"s9{at}"), title=text, stored=told((text, text)))
        for at, text in enumerate(TEXTS)
    ]
    opener = FakeOpener(FakeSession(models=models, others=routers), others=stored)
    async with running(opener=opener, size=(90, 34)) as driver:
        await driver.ready()
        for command in ("/model", "/router", "/sessions"):
            await driver.send(command)
            await driver.until(lambda: len(driver.app.screen_stack) == 2)
            for text in TEXTS:
                await driver.pilot.press("down")
                await driver.pilot.pause()
                assert_is_text(driver, f"{command} near {text!a}")
                if isinstance(driver.app.screen, SessionsScreen):
                    await driver.pilot.press("delete")
                    assert_is_text(driver, f"the question before deleting near {text!a}")
                    await driver.pilot.press("escape")
            await driver.pilot.press("escape")
            await driver.until(lambda: len(driver.app.screen_stack) == 1)
        assert driver.app.is_running


async def test_no_job_lets_hostile_text_through() -> None:
    jobs = [
        JobInfo(id=1, command=text, state="running", seconds=1, exit_code=None, output=Path("/x"))
        for text in TEXTS
    ]
    async with running(FakeSession(background=jobs), size=(90, 90)) as driver:
        await driver.ready()
        await driver.send("/jobs")
        await driver.until(lambda: driver.chat.transcript.items)
        assert_is_text(driver, "/jobs")
        assert driver.app.is_running


async def test_names_from_servers_are_text_in_the_setup(tmp_path: Path) -> None:
    names = tuple(dict.fromkeys(text for text in TEXTS if text.strip()))
    server = LocalServer(name="ollama", base_url="http://127.0.0.1:1/v1", models=names)
    place = Place(tmp_path, Call(), [server])
    async with place.running() as driver:
        await driver.until(lambda: isinstance(driver.app.screen, SetupScreen))
        await driver.until(lambda: "Ollama" in visible(driver))
        await driver.pilot.press("enter")
        await driver.pilot.pause()
        for _ in names:
            await driver.pilot.press("down")
            assert_is_text(driver, "the list of a server's models")
