"""Pictures that the user names or a tool reads: shown to who sees, and a note to who does not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ralex.agent.sizing import RequestSizer
from ralex.config.model import Config
from ralex.core.codec import event_from_json, event_to_json, without_picture_data
from ralex.core.compaction import masked
from ralex.core.events import Notice, ToolCallFinished
from ralex.core.ids import CallId
from ralex.core.messages import Image, Message, ToolResultMessage, UserMessage
from ralex.core.pictures import images_of, picture_bound, picture_tokens
from ralex.core.tokens import estimate_message_tokens
from ralex.providers.scripted import ScriptedStep
from tests.agent.script import DONE, breaks, finished_calls, of, read, step
from tests.agent.stand import Stand, play
from tests.agent.stand import model as make_model
from tests.tools.pictures import png

LOOK = "Hello, what is in @shot.png?"


def seeing(*, vision: bool | None) -> Callable[[Config], Config]:
    def change(config: Config) -> Config:
        models = {key: replace(model, vision=vision) for key, model in config.models.items()}
        return replace(config, models=models)

    return change


def pictures(messages: tuple[Message, ...]) -> list[Image]:
    return [image for message in messages for image in images_of(message)]


async def test_a_named_picture_goes_with_the_prompt(stand: Stand) -> None:
    (stand.project / "shot.png").write_bytes(png(30, 20))
    session = await stand.open([DONE, DONE], change=seeing(vision=True))
    events = await play(session, LOOK)
    assert of(events, Notice) == []
    first = stand.provider.requests[0].messages
    assert [(one.width, one.height) for one in pictures(first)] == [(30, 20)]
    assert isinstance(first[-1], UserMessage)
    assert "30×20" in first[-1].text
    await play(session, "Thanks, list the files.")
    assert breaks(stand.provider.requests) == 0


async def test_a_picture_that_a_tool_reads_is_part_of_its_result(stand: Stand) -> None:
    (stand.project / "shot.png").write_bytes(png(30, 20))
    session = await stand.open([step(read("shot.png")), DONE], change=seeing(vision=True))
    events = await play(session, "Look at the screenshot.")
    (call,) = finished_calls(events)
    assert len(call.images) == 1
    result = stand.provider.requests[-1].messages[-1]
    assert isinstance(result, ToolResultMessage)
    assert result.images == call.images


@pytest.mark.parametrize("vision", [False, None], ids=["blind", "unknown"])
async def test_a_model_that_does_not_see_gets_a_note_and_the_user_a_word(
    stand: Stand, vision: bool | None
) -> None:
    (stand.project / "shot.png").write_bytes(png())
    script: list[ScriptedStep] = [step(read("shot.png")), DONE]
    session = await stand.open(script, change=seeing(vision=vision))
    events = await play(session, LOOK)
    assert "does not see pictures" in of(events, Notice)[0].text
    assert "/model" in of(events, Notice)[0].text
    last = stand.provider.requests[-1].messages
    assert pictures(last) == []
    assert sum("does not see pictures" in getattr(one, "text", "") for one in last) == 2
    assert breaks(stand.provider.requests) == 0


async def test_a_resumed_session_shows_the_same_pictures(stand: Stand) -> None:
    (stand.project / "shot.png").write_bytes(png())
    session = await stand.open([step(read("shot.png")), DONE], change=seeing(vision=True))
    await play(session, LOOK)
    before = stand.provider.requests[-1].messages
    session = await stand.open([DONE], continues=True, change=seeing(vision=True))
    await play(session, "Thanks, list the files.")
    assert stand.provider.requests[0].messages[: len(before)] == before
    assert len(pictures(before)) == 2


@pytest.mark.parametrize(
    "message",
    [
        UserMessage(text="look", images=(Image(media_type="image/png", data_base64="AAAA"),)),
        ToolResultMessage(
            call_id=CallId("c"),
            name="read",
            text="look",
            images=(Image(media_type="image/png", data_base64="A" * 99, width=2000, height=900),),
        ),
    ],
    ids=["named", "read"],
)
def test_a_picture_counts_in_the_size_of_the_request(message: Message) -> None:
    (size,) = RequestSizer(()).sizes([message])
    assert 1_600 < size < 1_650
    assert estimate_message_tokens(message) > 1_600
    model = make_model("m", "1")
    assert RequestSizer(()).bound([message], model) > 3_000


def test_pictures_survive_the_store() -> None:
    image = Image(media_type="image/png", data_base64="AAAA", width=3, height=2)
    event = ToolCallFinished(
        call_id=CallId("c"),
        name="read",
        output="a.png",
        is_error=False,
        summary="",
        elapsed_ms=1,
        images=(image,),
    )
    assert event_from_json(event_to_json(event)) == event
    told = event_to_json(without_picture_data(event))
    assert told["images"] == [
        {"media_type": "image/png", "data_base64": "", "width": 3, "height": 2}
    ]


def test_masking_leaves_pictures_out_first() -> None:
    image = Image(media_type="image/png", data_base64="AAAA")
    result = ToolResultMessage(
        call_id=CallId("c"),
        name="read",
        text="a.png is a picture",
        images=(image,),
    )
    named = UserMessage(text="look", images=(image,))
    first, second, third = masked([named, result, result], 2)
    assert (images_of(first), images_of(second)) == ((), ())
    assert "left out" in first.text
    assert "a.png is a picture" in second.text
    assert images_of(third) == (image,)


@pytest.mark.parametrize("side", [1, 500, 2000, 8000])
def test_the_bound_is_never_below_the_estimate(side: int) -> None:
    image = Image(media_type="image/png", data_base64="", width=side, height=side)
    assert 85 <= picture_tokens(image) <= picture_bound(image)
