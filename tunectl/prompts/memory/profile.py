"""The declared fields of a profile, and what may stand in each.

Law: a value that is refused is never shown, and neither is a name that is no name of a field.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tunectl.prompts.errors import PromptError

_NAME = re.compile(r"[^\W\d]\w{0,63}")
_WORDS = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list of texts",
    "date": "a date such as `2026-11-22`",
}
_LARGEST = 2**63 - 1  # what every database and JSON reader takes
MAX_CHARS, MAX_ITEMS = 2000, 50


class ProfileError(PromptError):
    """A field is not declared, or its value does not fit the declaration."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What may be remembered of a user.

    Attributes:
        memory: the memory's name, for messages.
        fields: name to `{type, max_chars, max_items, one_of, personal, inject, default}`.
    """

    memory: str
    fields: Mapping[str, Mapping[str, Any]]

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is to be kept; None stays None and means that a field is forgotten.

        Raises:
            ProfileError: a field is not declared, or a value does not fit it.
        """
        return {name: self._checked(name, value) for name, value in given.items()}

    def known(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what counts of what is stored: declared fields whose values still fit.

        Defaults stand for what is not stored.
        """
        found: dict[str, Any] = {}
        for name, rule in self.fields.items():
            value = stored.get(name)
            if value is not None and not _wrong(value, rule):
                found[name] = value
            elif rule.get("default") is not None:
                default = rule["default"]
                found[name] = list(default) if isinstance(default, tuple) else default
        return found

    def injected(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a prompt may say of a user: only fields with `inject: true`."""
        known = self.known(stored)
        return {name: known[name] for name in known if self.fields[name].get("inject") is True}

    def _checked(self, name: object, value: Any) -> Any:  # noqa: ANN401  # any value may come
        if not isinstance(name, str) or name not in self.fields:
            raise ProfileError(self._undeclared(name))
        if value is None:
            return None
        rule = self.fields[name]
        value = _plain(value, str(rule.get("type", "string")))
        if wrong := _wrong(value, rule):
            raise ProfileError(f"field `{name}` of memory `{self.memory}` {wrong}")
        return value

    def _undeclared(self, name: object) -> str:
        declared = ", ".join(f"`{field}`" for field in self.fields) or "none"
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"memory `{self.memory}` has no such field; declared are {declared}"
        near = difflib.get_close_matches(name, self.fields, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"declared are {declared}"
        return f"memory `{self.memory}` has no field `{name}`; {hint}"


def _plain(value: Any, type_: str) -> Any:  # noqa: ANN401  # any value may come
    """Return the value as JSON has it: dates as text, tuples as lists, subclasses of text as it."""
    if type_ == "date" and isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if type_ == "list" and isinstance(value, list | tuple):
        return [str(item) if isinstance(item, str) else item for item in value]
    return str(value) if isinstance(value, str) else value


def _wrong(value: object, rule: Mapping[str, Any]) -> str:
    """Say how a value breaks its rule, without the value; empty when it does not."""
    type_ = str(rule.get("type", "string"))
    if not _is_of(value, type_):
        given = "a text" if isinstance(value, str) else type(value).__name__
        return f"must be {_WORDS.get(type_, type_)}, not {given}"
    texts = value if isinstance(value, list) else [value] if isinstance(value, str) else []
    longest = rule.get("max_chars") or MAX_CHARS
    if type_ in {"string", "list"} and any(len(text) > longest for text in texts):
        return f"may have {longest} characters{' in each text' if type_ == 'list' else ''}"
    most = rule.get("max_items") or MAX_ITEMS
    if isinstance(value, list) and len(value) > most:
        return f"may have {most} texts"
    if type_ == "date" and not _is_date(str(value)):
        return f"must be {_WORDS['date']}"
    choices = rule.get("one_of")
    if choices and any(one not in choices for one in (texts or [value])):
        return "must be one of " + ", ".join(f"`{choice}`" for choice in choices)
    return ""


def _is_of(value: object, type_: str) -> bool:
    match type_:
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return type(value) is int and abs(value) <= _LARGEST
        case "number":
            return (type(value) is int and abs(value) <= _LARGEST) or _is_finite(value)
        case "list":
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case _:
            return isinstance(value, str)


def _is_finite(value: object) -> bool:
    return isinstance(value, float) and math.isfinite(value)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
