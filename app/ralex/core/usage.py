"""Token counts of model calls, in disjoint buckets."""

from ralex.core.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one or more calls; the buckets never overlap, totals are properties.

    Attributes:
        input_tokens: Fresh input: neither read from nor written to the provider's prompt cache.
        cache_read_tokens: Input read from the provider's prompt cache.
        cache_write_tokens: Input written to it.
        output_tokens: Everything generated, reasoning included.
        reasoning_tokens: The part of ``output_tokens`` that was reasoning.
    """

    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_input_tokens(self) -> int:
        """All input, cached or not."""
        return self.input_tokens + self.cache_read_tokens + self.cache_write_tokens

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.total_input_tokens + self.output_tokens

    def __sub__(self, other: "Usage") -> "Usage":
        """Take away bucket by bucket what was counted before."""
        return Usage(
            input_tokens=self.input_tokens - other.input_tokens,
            cache_read_tokens=self.cache_read_tokens - other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens - other.cache_write_tokens,
            output_tokens=self.output_tokens - other.output_tokens,
            reasoning_tokens=self.reasoning_tokens - other.reasoning_tokens,
        )

    def __add__(self, other: "Usage") -> "Usage":
        """Sum bucket by bucket."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )
