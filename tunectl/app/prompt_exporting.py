"""A prompt as plain JSON that a program in any language can fill in."""

from __future__ import annotations

from typing import Any

from tunectl.app.options import Options
from tunectl.app.prompting import template
from tunectl.core.errors import ConfigError
from tunectl.prompts import PromptError
from tunectl.prompts.export import export as exported


def export(options: Options, name: str, dialect: str, *, carry: bool) -> dict[str, Any]:
    """Return a declared prompt for programs, in the words of a service.

    Args:
        options: the project.
        name: of the template.
        dialect: `openai`, `anthropic`, `gemini` or `bedrock`.
        carry: whether a template that only Jinja can render is handed over as it is.

    Raises:
        ConfigError: there is no such template, or it says what only Jinja can.
    """
    made = template(options, name, sending=True)
    try:
        return exported(made.opened(), dialect, carry=carry)
    except PromptError as error:
        raise ConfigError.of(
            str(error),
            hint="`--carry-jinja` hands such templates over as they are",
            address=str(made.address),
        ) from error
