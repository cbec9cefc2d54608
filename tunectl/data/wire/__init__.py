"""The formats rows go out in, one file a format or family.

May: turn a canonical row into a row of a published format, say what that format cannot carry, and
encode rows as JSON Lines, a JSON array or CSV.
Never: read or write files, talk to a provider, or lose anything that is not noted among `Losses`.

To add a format: one file here and one entry in `FORMATS`. What is written must read back with an
equal meaning (`conversation`), but for the losses noted: a property test asks every format.
"""

from __future__ import annotations

from difflib import get_close_matches

from tunectl.core.errors import ConfigError
from tunectl.data.wire.alpaca import ALPACA
from tunectl.data.wire.bedrock import BEDROCK, BEDROCK_CONVERSATION
from tunectl.data.wire.format import Format
from tunectl.data.wire.gemini import GEMINI
from tunectl.data.wire.openai import CHAT, PREFERENCE, REINFORCEMENT
from tunectl.data.wire.prompt_completion import PROMPT_COMPLETION
from tunectl.data.wire.sharegpt import SHAREGPT
from tunectl.data.wire.table import CSV

FORMATS = {
    one.name: one
    for one in (
        CHAT,
        PREFERENCE,
        REINFORCEMENT,
        GEMINI,
        BEDROCK,
        BEDROCK_CONVERSATION,
        PROMPT_COMPLETION,
        SHAREGPT,
        ALPACA,
        CSV,
    )
}
# Other names people write for the same.
_ALSO = {
    "chat": "openai-chat",
    "openai": "openai-chat",
    "dpo": "preference",
    "openai-dpo": "preference",
    "vertex": "gemini",
    "nova": "bedrock-conversation",
    "columns": "csv",
}


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        ConfigError: for a format that is not known.
    """
    found = FORMATS.get(_ALSO.get(name, name))
    if found is None:
        close = get_close_matches(name, [*FORMATS, *_ALSO], n=1)
        known = ", ".join(f"`{known}`" for known in FORMATS)
        raise ConfigError.of(
            f"unknown format `{name}`",
            hint=f"did you mean `{close[0]}`?" if close else f"known are {known}",
            code="unknown-format",
        )
    return found
