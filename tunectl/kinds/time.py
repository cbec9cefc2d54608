"""Durations and instants, as people write them in a declaration."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import PlainValidator, WithJsonSchema

from tunectl.kinds.moments import DURATION, instant, seconds

Duration: TypeAlias = Annotated[
    int,
    PlainValidator(seconds),
    WithJsonSchema({"type": "string", "pattern": rf"^\s*{DURATION.pattern}\s*$"}),
]
Instant: TypeAlias = Annotated[
    str,
    PlainValidator(instant),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^\s*\d{4}-\d{2}-\d{2}"
            r"([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?\s*([Zz]|[+-]\d{2}:?\d{2}))?\s*$",
        }
    ),
]
