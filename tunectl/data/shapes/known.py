"""Every shape, in the order in which they are tried."""

from __future__ import annotations

from tunectl.data.shapes.alpaca import ALPACA
from tunectl.data.shapes.author_chat import AUTHOR_CHAT
from tunectl.data.shapes.bedrock import BEDROCK
from tunectl.data.shapes.bedrock_conversation import BEDROCK_CONVERSATION
from tunectl.data.shapes.gemini import GEMINI
from tunectl.data.shapes.gemini_preference import GEMINI_PREFERENCE
from tunectl.data.shapes.instruction import INSTRUCTION
from tunectl.data.shapes.openai_chat import NAMED_OPENAI_CHAT, OPENAI_CHAT
from tunectl.data.shapes.preference import CHOSEN_REJECTED, PREFERENCE
from tunectl.data.shapes.prompt_completion import PROMPT_COMPLETION
from tunectl.data.shapes.reinforcement import NAMED_REINFORCEMENT, REINFORCEMENT
from tunectl.data.shapes.sharegpt import SHAREGPT

SHAPES = (
    OPENAI_CHAT,
    REINFORCEMENT,
    BEDROCK,
    AUTHOR_CHAT,
    INSTRUCTION,
    PROMPT_COMPLETION,
    PREFERENCE,
    CHOSEN_REJECTED,
    GEMINI_PREFERENCE,
    GEMINI,
    BEDROCK_CONVERSATION,
    SHAREGPT,
    ALPACA,
)
# A shape that is named takes rows which by themselves would be something else.
NAMED = {shape.name: shape for shape in (NAMED_OPENAI_CHAT, NAMED_REINFORCEMENT)}
