"""What the answers of a dataset were declared to be: JSON, a pattern, or one of a few words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import orjson

from tunectl.core.dataclass import dataclass

Form = Literal["json", "regex", "one-of"]


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """The declared form of every answer.

    Attributes:
        form: `json`, `regex` or `one-of`.
        schema: a JSON Schema the JSON must fit; None for any JSON.
        pattern: what the whole answer must match, without white space around it.
        choices: what the answer may be.
    """

    form: Form
    schema: Mapping[str, object] | None = None
    pattern: str = ""
    choices: tuple[str, ...] = ()

    def complaint(self) -> str:
        """What is wrong with the declaration itself, empty when nothing."""
        if self.form == "regex":
            try:
                re.compile(self.pattern)
            except re.error as error:
                return f"`regex` is not a pattern: {error}"
        if self.form == "json" and self.schema is not None:
            from jsonschema import SchemaError, validators

            try:
                validators.validator_for(self.schema).check_schema(dict(self.schema))
            except SchemaError as error:
                return f"`json_schema` is not a JSON Schema: {error.message}"
        return ""

    def judge(self) -> Callable[[str], str]:
        """A function that says what is wrong with an answer, empty when nothing; never its text."""
        if self.form == "regex":
            pattern = re.compile(self.pattern, re.DOTALL)
            return lambda text: (
                "" if pattern.fullmatch(text.strip()) else "does not match the declared pattern"
            )
        if self.form == "one-of":
            known = frozenset(self.choices)
            return lambda text: "" if text.strip() in known else "is none of the declared values"
        return _judge_json(self.schema)


def _judge_json(schema: Mapping[str, object] | None) -> Callable[[str], str]:
    if schema is None:
        return lambda text: "is not JSON" if _parsed(text) is _BROKEN else ""
    from jsonschema import validators

    validator = validators.validator_for(schema)(dict(schema))

    def judge(text: str) -> str:
        value = _parsed(text)
        if value is _BROKEN:
            return "is not JSON"
        wrong = next(iter(validator.iter_errors(value)), None)
        if wrong is None:
            return ""
        # The message of an error repeats the value; its rule and its place in the schema do not.
        rule = ".".join(str(part) for part in wrong.absolute_schema_path)
        return f"does not fit the declared schema (at `{rule}` of the schema)"

    return judge


_BROKEN = object()


def _parsed(text: str) -> Any:  # noqa: ANN401  # any JSON value, or `_BROKEN`
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return _BROKEN
