"""Which versions a list is about: `name`, `label`, `tag` and `filter`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from tunectl.server.clouds.langfuse.checks import RefusedError
from tunectl.server.clouds.langfuse.shelf import Prompt
from tunectl.server.clouds.wire import Asked

_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda have, want: have == want,
    "contains": lambda have, want: want.lower() in have.lower(),
    "does not contain": lambda have, want: want.lower() not in have.lower(),
    "starts with": lambda have, want: have.lower().startswith(want.lower()),
    "ends with": lambda have, want: have.lower().endswith(want.lower()),
}


def matching(
    prompts: Iterable[Prompt], asked: Asked, *, knows_filters: bool
) -> dict[str, list[Prompt]]:
    """Return the versions that a list tells of, by name.

    Raises:
        RefusedError: the filter is none.
    """
    said = asked.param("filter")
    if said and knows_filters:
        conditions = _conditions(said)
        kept = [one for one in prompts if all(_holds(one, c) for c in conditions)]
    else:
        name, label, tag = asked.param("name"), asked.param("label"), asked.param("tag")
        kept = [
            one
            for one in prompts
            if (not name or one.name == name)
            and (not label or label in one.labels)
            and (not tag or tag in one.tags)
        ]
    found: dict[str, list[Prompt]] = {}
    for one in kept:
        found.setdefault(one.name, []).append(one)
    return found


def _conditions(text: str) -> list[Mapping[str, object]]:
    try:
        found = json.loads(text)
    except ValueError:
        raise RefusedError(400, "Invalid filter: not valid JSON") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise RefusedError(400, "Invalid filter: it must be an array of conditions")
    return found


def _holds(prompt: Prompt, condition: Mapping[str, object]) -> bool:
    type_, column = condition.get("type"), condition.get("column")
    operator, value = str(condition.get("operator")), condition.get("value")
    match type_, column:
        case "string", "name" | "type":
            return _text(str(getattr(prompt, str(column))), operator, value)
        case "arrayOptions", "labels" | "tags":
            have, want = {*getattr(prompt, str(column))}, {*_listed(value)}
            return {"any of": bool(have & want), "all of": want <= have}.get(operator, False)
        case "stringObject", "config":
            config = prompt.config if isinstance(prompt.config, dict) else {}
            have_it = config.get(str(condition.get("key")))
            if operator in {"is set", "is not set"}:
                return (have_it is not None) == (operator == "is set")
            return have_it is not None and _text(str(have_it), operator, value)
    raise RefusedError(400, f"Invalid filter: type '{type_}' of column '{column}'")


def _text(have: str, operator: str, value: object) -> bool:
    if operator not in _TEXT or not isinstance(value, str):
        raise RefusedError(400, f"Invalid filter: operator '{operator}'")
    return _TEXT[operator](have, value)


def _listed(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
