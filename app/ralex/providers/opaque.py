"""State that a provider wants back unchanged, with the name of its owner.

Signatures and encrypted reasoning mean something only to the model that made them; sent to another
they are refused, so they are kept with provider and model and given out to no one else.
"""

from collections.abc import Mapping

from ralex.core.messages import AssistantMessage
from ralex.providers.shapes import JsonObject, as_object, decode, encode


def keep_state(state: Mapping[str, object], *, provider: str, model: str) -> str:
    """Serialise state for ``AssistantMessage.opaque_json``; empty if there is none.

    Args:
        model: As asked for, not as the reply names it.
    """
    if not state:
        return ""
    return encode({"provider": provider, "model": model, **state})


def owned_state(message: AssistantMessage, *, provider: str, model: str) -> JsonObject:
    """Give the state of a reply if this very model at this very provider sent it."""
    if not message.opaque_json:
        return {}
    try:
        state = as_object(decode(message.opaque_json))
    except ValueError:
        return {}
    if state is None or (state.get("provider"), state.get("model")) != (provider, model):
        return {}
    return state
