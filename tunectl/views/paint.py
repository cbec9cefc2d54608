"""Colour as a value: a view asks for a style, and gets plain text where colour is off."""

from __future__ import annotations

from enum import Enum

import click

from tunectl.core.dataclass import dataclass


class Style(Enum):
    """What a piece of text is."""

    ADD = "green"
    CHANGE = "yellow"
    REMOVE = "red"
    NOTE = "cyan"
    BOLD = "bold"
    FAINT = "dim"
    ERROR = "bold red"
    WARNING = "bold yellow"
    GOOD = "bold green"


@dataclass(frozen=True, slots=True)
class Paint:
    """Puts text in a style when `color` is on."""

    color: bool = False

    def __call__(self, text: str, style: Style | None) -> str:
        """Return the text in the style; unchanged without colour, style or text."""
        if not self.color or style is None or not text:
            return text
        words = style.value.split()
        hue = next((word for word in words if word not in {"bold", "dim"}), None)
        return click.style(text, fg=hue, bold="bold" in words or None, dim="dim" in words or None)


PLAIN = Paint()
