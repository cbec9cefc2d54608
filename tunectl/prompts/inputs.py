"""What an application gives a prompt: checked against the declared inputs, and made inert."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from typing import Any

from tunectl.prompts.cleaning import inert
from tunectl.prompts.errors import PromptError

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list, tuple),
}


def checked(
    prompt: str, rules: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the value of every input, defaults included, in the order they are declared.

    Args:
        prompt: the prompt's name, for messages.
        rules: name to `{type, max_chars, one_of, default}`.
        given: what the application gives.

    Raises:
        PromptError: one is unknown, missing, or does not fit its rule; no value is told.
    """
    for name in sorted(set(given) - set(rules)):
        near = difflib.get_close_matches(name, rules, n=1)
        known = ", ".join(f"`{one}`" for one in rules) or "none"
        hint = f"did you mean `{near[0]}`?" if near else f"it has {known}"
        raise PromptError(f"prompt `{prompt}` has no input `{name}`; {hint}")
    values: dict[str, Any] = {}
    for name, rule in rules.items():
        if name in given:
            values[name] = _valid(name, given[name], rule)
        elif rule.get("default") is not None:
            values[name] = inert(rule["default"], f"the default of `{name}`")
        else:
            raise PromptError(f"prompt `{prompt}` needs the input `{name}`")
    return values


def _valid(name: str, value: Any, rule: Mapping[str, Any]) -> Any:  # noqa: ANN401  # a user's value
    wanted = rule.get("type") or "string"
    fits = isinstance(value, _TYPES[wanted])
    if not fits or (isinstance(value, bool) and wanted != "boolean"):
        raise PromptError(f"input `{name}` must be a {wanted}, not {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise PromptError(f"input `{name}` must be a finite number")
    texts = list(value) if wanted == "list" else [value] if wanted == "string" else []
    for text in texts:
        if not isinstance(text, str):
            raise PromptError(f"input `{name}` is a list of texts, not of {type(text).__name__}")
        longest = rule.get("max_chars")
        if longest is not None and len(text) > longest:
            raise PromptError(f"input `{name}` has {len(text)} characters; {longest} may be")
    plain = inert(value, f"input `{name}`")
    choices = rule.get("one_of")
    for one in plain if wanted == "list" else [plain]:
        if choices and one not in choices:
            known = ", ".join(f"`{choice}`" for choice in choices)
            raise PromptError(f"input `{name}` must be one of {known}")
    return plain
