"""Google's Gemini dialect, with a key of AI Studio; OpenCode Zen speaks it for Gemini models."""

from urllib.parse import quote

from typing_extensions import override

from ralex.core.messages import ModelRequest
from ralex.providers.adapter import Adapter, Prepared
from ralex.providers.gemini_reply import GeminiReply
from ralex.providers.gemini_request import write_request


class Gemini(Adapter):
    """One endpoint of the Gemini dialect."""

    @override
    def _prepare(self, request: ModelRequest) -> Prepared:
        model = quote(request.model.removeprefix("models/"), safe="-_.~")
        call = "streamGenerateContent?alt=sse" if request.stream else "generateContent"
        return Prepared(
            path=f"/models/{model}:{call}",
            body=write_request(request, provider=self._origin.provider),
            reader=GeminiReply(model=request.model, origin=self._origin),
        )
