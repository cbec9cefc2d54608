"""What can go wrong where prompts are used: one error that an application catches.

Law: a message names fields, inputs and limits; the value that was refused, a user's id and the text
of a conversation stand in none.
"""

from __future__ import annotations


class PromptError(ValueError):
    """An artefact, an input or a memory cannot be used; the message says which and why."""
