"""Sizes of requests while the conversation grows and is rewritten."""

from unittest.mock import patch

from ralex.agent import sizing
from ralex.agent.sizing import RequestSizer
from ralex.core.messages import SystemMessage, UserMessage


def test_after_a_rewrite_only_what_changed_is_measured_again() -> None:
    messages = [SystemMessage(text="s"), *(UserMessage(text=f"word {n} " * n) for n in range(20))]
    sizer = RequestSizer(())
    sizer.rough(messages)
    messages[3] = UserMessage(text="left out")
    sizer.follow(1)
    with patch.object(
        sizing, "estimate_long_text", side_effect=sizing.estimate_long_text
    ) as measured:
        sizes = sizer.sizes(messages)
    assert measured.call_count == 1
    assert sizes == RequestSizer(()).sizes(messages)
