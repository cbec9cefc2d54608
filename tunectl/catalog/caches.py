"""What writing to a provider's prompt cache costs, beside reading the prompt."""

from __future__ import annotations

from decimal import Decimal

_ONE = Decimal(1)
# Anthropic's prompt caching documentation, read 2026-11-22: 1.25 times the price of input for five
# minutes, twice for an hour; Amazon Bedrock charges the same for Claude. OpenAI's guide of the same
# day: 1.25 times from GPT-5.6 on, which alone tells written tokens; free before. Gemini's implicit
# cache writes for nothing.
_FACTORS = {
    ("anthropic", "5m"): Decimal("1.25"),
    ("anthropic", "1h"): Decimal(2),
    ("bedrock", "5m"): Decimal("1.25"),
    ("bedrock", "1h"): Decimal(2),
    ("openai", "5m"): Decimal("1.25"),
    ("openai", "1h"): Decimal("1.25"),
}


def write_factor(dialect: str, ttl: str = "5m") -> Decimal:
    """Return by how much a token written to a cache costs more than one that is read.

    Args:
        dialect: `openai`, `anthropic`, `gemini` or `bedrock`.
        ttl: for how long it is kept: `5m` or `1h`.
    """
    return _FACTORS.get((dialect, ttl), _ONE)
