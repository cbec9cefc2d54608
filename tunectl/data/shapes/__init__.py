"""The shapes rows come in, one file a shape or family.

May: tell by its keys whether a row has a shape, and turn it into the canonical row, which is
OpenAI's chat object. A key a shape does not know is carried along, so that no content escapes the
fingerprint; the checks report it.
Never: read files, drop content, or repair what is wrong: a wrong role is carried over as written.

To add a shape: one file here and one entry in `SHAPES`. The order counts: the first that matches a
row names it.
"""

from __future__ import annotations

from collections.abc import Mapping

from tunectl.data.fingerprint import Row
from tunectl.data.shapes.author_chat import AUTHOR_CHAT
from tunectl.data.shapes.bedrock import BEDROCK
from tunectl.data.shapes.columns import COLUMNS, guess_columns
from tunectl.data.shapes.instruction import INSTRUCTION
from tunectl.data.shapes.openai_chat import OPENAI_CHAT
from tunectl.data.shapes.prompt_completion import PROMPT_COMPLETION
from tunectl.data.shapes.shape import Shape

SHAPES = (OPENAI_CHAT, BEDROCK, AUTHOR_CHAT, INSTRUCTION, PROMPT_COMPLETION)
SHAPE_NAMES = (*(shape.name for shape in SHAPES), COLUMNS)

# Shapes that are known by their keys and not read in this version.
_PLANNED: tuple[tuple[str, frozenset[str]], ...] = (
    ("sharegpt", frozenset({"conversations"})),
    ("gemini", frozenset({"contents"})),
    ("preference", frozenset({"input", "preferred_output", "non_preferred_output"})),
    ("preference", frozenset({"chosen", "rejected"})),
    ("bedrock-conversation", frozenset({"schemaVersion", "messages"})),
    ("alpaca", frozenset({"instruction", "output"})),
    ("alpaca", frozenset({"instruction", "instances"})),
    ("plain-text", frozenset({"text"})),
)


def shape_named(name: str) -> Shape | None:
    """The shape of that name; `columns` is not among them, it needs its columns."""
    return next((shape for shape in SHAPES if shape.name == name), None)


def shape_of(row: Row) -> Shape | None:
    """The shape a row has by its keys, None when it has none that can be read."""
    if "schemaVersion" in row:
        return None
    found = next((shape for shape in SHAPES if shape.matches(row)), None)
    return found or (None if planned(row) else guess_columns(row))


def planned(row: Mapping[str, object]) -> str:
    """The name of a known shape that is not read in this version, else ""."""
    keys = row.keys()
    return next((name for name, needed in _PLANNED if needed <= keys), "")
