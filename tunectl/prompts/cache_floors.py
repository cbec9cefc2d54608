"""The least prefix that a service's cache keeps; a shorter one is cached silently not at all.

Sources: Anthropic's prompt caching guide, quoted in anthropics/anthropic-sdk-python#1194, where
Sonnet 4.6 is seen to keep from 2,048 on and not from 1,024; OpenAI's prompt caching guide; Google's
context caching overview (all read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping

_SERVICES: Mapping[str, tuple[int, int]] = {
    "anthropic": (512, 4096),
    "openai": (1024, 1024),
    "gemini": (1024, 4096),
    "bedrock": (512, 4096),
}
_CLAUDE: Mapping[str, tuple[int, int]] = {
    "opus-4-5": (4096, 4096),
    "opus-4-6": (4096, 4096),
    "haiku-4-5": (4096, 4096),
    "sonnet-4-6": (1024, 2048),
    "sonnet-4": (1024, 1024),
    "opus-4": (1024, 1024),
    "3-5-haiku": (2048, 2048),
    "3-haiku": (2048, 2048),
}


def floor_of(dialect: str, model: str) -> tuple[int, int]:
    """Return how many tokens a prefix must have: at least, and to be sure.

    Args:
        dialect: of the service.
        model: its id; where it is not known, the bounds are those of all models of the service.
    """
    if dialect in {"anthropic", "bedrock"}:
        for part, known in _CLAUDE.items():
            older = part in {"sonnet-4", "opus-4"} and not _of_four(model, part)
            if part in model and not older:
                return known
    return _SERVICES.get(dialect, (0, 0))


def _of_four(model: str, part: str) -> bool:
    """Whether an id means 4, 4.1 or 4.5 of a line, and no later one that nobody measured."""
    rest = model.partition(part)[2].removeprefix("-")
    return not rest or rest.startswith(("1", "2025", "5", "0", "@", "v1"))
