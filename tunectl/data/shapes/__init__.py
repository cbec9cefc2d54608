"""The shapes rows come in, one file a shape or family.

May: tell by its keys whether a row has a shape, and turn it into the canonical row, which is
OpenAI's object of its method: chat, preference or reinforcement. A key a shape does not know is
carried along, so that no content escapes the fingerprint; the checks report it.
Never: read files, drop content, or repair what is wrong: a wrong role is carried over as written.

To add a shape: one file here and one entry in `SHAPES` of `known.py`. The order counts: the first
that matches a row names it.
"""

from __future__ import annotations

from collections.abc import Mapping

from tunectl.data.fingerprint import Row
from tunectl.data.shapes.openai_chat import OPENAI_CHAT
from tunectl.data.shapes.shape import Shape

# What is known by its keys and cannot be read: the name, the keys, and what to do.
_UNREADABLE: tuple[tuple[str, frozenset[str], str], ...] = (
    (
        "chosen-rejected",
        frozenset({"chosen", "rejected"}),
        "two texts do not say what was asked: add it as `prompt`",
    ),
    (
        "plain-text",
        frozenset({"text"}),
        "a text alone has no question and no answer: give it two columns",
    ),
)


def shape_named(name: str) -> Shape | None:
    """The shape of that name; `columns` is not among them, it needs its columns."""
    from tunectl.data.shapes.known import NAMED, SHAPES

    found = next((shape for shape in SHAPES if shape.name == name), None)
    return NAMED.get(name, found)


def shape_of(row: Row) -> Shape | None:
    """The shape a row has by its keys, None when it has none that can be read."""
    if OPENAI_CHAT.matches(row):  # as most are: the others need not be imported
        return OPENAI_CHAT
    from tunectl.data.shapes.columns import guess_columns
    from tunectl.data.shapes.known import SHAPES

    found = next((shape for shape in SHAPES if shape.matches(row)), None)
    return found or guess_columns(row)


def shape_names() -> tuple[str, ...]:
    """The names of all shapes, as a person writes them."""
    from tunectl.data.shapes.columns import COLUMNS
    from tunectl.data.shapes.known import SHAPES

    return (*(shape.name for shape in SHAPES), COLUMNS)


def unreadable(row: Mapping[str, object]) -> tuple[str, str]:
    """The name of a known shape that cannot be read and what to do, else two empty texts."""
    keys = row.keys()
    return next(((name, hint) for name, needed, hint in _UNREADABLE if needed <= keys), ("", ""))
