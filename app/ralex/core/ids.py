"""Identifiers as types of their own, so that one cannot be passed for another."""

from typing import NewType

SessionId = NewType("SessionId", str)
TurnId = NewType("TurnId", str)
TaskId = NewType("TaskId", str)
CallId = NewType("CallId", str)
"""A tool call's id, as the model gave it."""
ReservationId = NewType("ReservationId", str)
ModelId = NewType("ModelId", str)
"""``provider/name``, as users write it: ``openai/gpt-5.4-mini``."""
