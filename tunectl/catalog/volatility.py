"""How often the sections of a prompt change, by their roles."""

from __future__ import annotations

from typing import Literal

Volatility = Literal["static", "per_user", "per_conversation", "per_turn"]


def volatility_of(role: str, select: str | None = None) -> Volatility:
    """Return how often a section of a role changes where nothing is said of it."""
    match role:
        case "profile":
            return "per_user"
        case "history":
            return "per_conversation"
        case "documents" | "user":
            return "per_turn"
        case "examples" if select == "nearest":
            return "per_turn"
    return "static"
