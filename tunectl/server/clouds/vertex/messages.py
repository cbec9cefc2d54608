"""Google's messages in JSON: read from any client's form, written in the form that was asked for.

`messages.json` holds the fields of every message and the numbers of every enum, taken from the
descriptors of google-cloud-aiplatform 2.7.0. `_REST_ONLY` adds what the REST service and
google-genai 2.34.0 (its `types`) know beyond those descriptors. Read are camelCase and snake_case,
enums by name or number, 64-bit numbers as text or number, as ProtoJSON wants it
(protobuf.dev/programming-guides/json). Inside, enums are names and numbers are numbers.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from typing import Any

import orjson

from tunectl.server.clouds.vertex.refusals import Refused

_STATES = ("UNSPECIFIED", "WAITING_FOR_QUOTA", "PROCESSING_DATASET", "WAITING_FOR_CAPACITY")
_REST_ENUMS = {
    "TuningJobState": {
        f"TUNING_JOB_STATE_{name}": number
        for number, name in enumerate((*_STATES, "TUNING", "POST_PROCESSING"))
    }
}
_STATS = "SupervisedTuningDatasetDistribution"
_REST_ONLY: dict[str, dict[str, str]] = {
    "TuningJob": {"preferenceOptimizationSpec": "PreferenceOptimizationSpec"},
    "PreferenceOptimizationSpec": {
        "trainingDatasetUri": "string",
        "validationDatasetUri": "string",
        "hyperParameters": "PreferenceOptimizationHyperParameters",
        "exportLastCheckpointOnly": "bool",
    },
    "PreferenceOptimizationHyperParameters": {
        "epochCount": "int64",
        "learningRateMultiplier": "double",
        "adapterSize": "#SupervisedHyperParameters.AdapterSize",
        "beta": "double",
    },
    "TuningDataStats": {"preferenceOptimizationDataStats": "PreferenceOptimizationDataStats"},
    "PreferenceOptimizationDataStats": {
        "tuningDatasetExampleCount": "int64",
        "totalBillableTokenCount": "int64",
        "tuningStepCount": "int64",
        "userInputTokenDistribution": _STATS,
        "userOutputTokenDistribution": _STATS,
        "droppedExampleIndices": "[int64",
        "droppedExampleReasons": "[string",
        "userDatasetExamples": "[json",
    },
}
_BETA_ONLY: dict[str, dict[str, str]] = {
    "TuningJob": {"tuningJobState": "#TuningJobState", "tuningJobMetadata": "TuningJobMetadata"},
    "TuningJobMetadata": {"completedEpochCount": "int64", "completedStepCount": "int64"},
}
_DEFAULTS: tuple[Any, ...] = (None, "", 0, False, [], {})


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, dict[str, Any]]]:
    raw = resources.files(__package__).joinpath("messages.json").read_bytes()
    tables: dict[str, dict[str, dict[str, Any]]] = orjson.loads(raw)
    tables["enums"].update(_REST_ENUMS)
    for version, additions in (("v1", (_REST_ONLY,)), ("v1beta1", (_REST_ONLY, _BETA_ONLY))):
        for more in additions:
            for message, fields in more.items():
                tables[version].setdefault(message, {}).update(fields)
    return tables


def fields(version: str, message: str) -> dict[str, str]:
    """Return the fields of a message and what each holds: `int64`, `#Enum`, `[Message`, `{int32`.

    `json` is anything; `[` marks a list and `{` a map with text keys.
    """
    return _tables()[version][message]


def numbers(enum: str) -> dict[str, int]:
    """Return an enum's values by name."""
    return _tables()["enums"][enum]


def read(version: str, message: str, value: object, path: str = "") -> dict[str, Any]:
    """Return a message as it is kept here; fields at their default are left out.

    Raises:
        Refused: a field is unknown or holds what it cannot, in the words of Google's front end.
    """
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _bad_value(path, f"google.cloud.aiplatform.{version}.{message}", value)
    known = fields(version, message)
    kept: dict[str, Any] = {}
    for key, given in value.items():
        name = key if key in known else camel(key)
        if name not in known:
            raise _unknown(key, path)
        taken = _read(version, known[name], given, _within(path, name))
        if taken is not True and taken in _DEFAULTS:
            continue
        kept[name] = taken
    return kept


def _read(version: str, word: str, value: Any, path: str) -> Any:  # noqa: ANN401
    if value is None or word == "json":
        return value
    if word[0] == "[":
        if not isinstance(value, list):
            raise _bad_value(path, word[1:], value)
        return [_element(version, word, each, f"{path}[{i}]") for i, each in enumerate(value)]
    if word[0] == "{":
        if not isinstance(value, dict):
            raise _bad_value(path, word[1:], value)
        return {key: _element(version, word, each, path) for key, each in value.items()}
    if word[0] == "#":
        return _enum(version, word[1:], value, path)
    if word in {"int32", "int64"}:
        return _integer(word, value, path)
    if word == "double":
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _bad_value(path, "TYPE_DOUBLE", value)
        return value
    wanted = {"bool": bool, "string": str, "bytes": str, "timestamp": str, "mask": str}
    if word in wanted or word == "duration":
        if not isinstance(value, wanted.get(word, str)):
            raise _bad_value(path, f"TYPE_{word.upper()}", value)
        return value
    return read(version, word, value, path)


def _element(version: str, word: str, value: object, path: str) -> Any:  # noqa: ANN401
    """Read one of a list or map; `null` stands for a default only as a field."""
    if value is None and word[1:] != "json":
        raise _bad_value(path, word[1:], value)
    return _read(version, word[1:], value, path)


def _enum(version: str, enum: str, value: object, path: str) -> str:
    known = numbers(enum)
    if isinstance(value, int) and not isinstance(value, bool):
        named = next((name for name, number in known.items() if number == value), "")
    else:
        named = value if isinstance(value, str) and value in known else ""
    if not named:
        raise _bad_value(
            path, f"type.googleapis.com/google.cloud.aiplatform.{version}.{enum}", value
        )
    return "" if known[named] == 0 else named


def _integer(word: str, value: object, path: str) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _bad_value(path, f"TYPE_{word.upper()}", value)
    return int(value)


def written(
    version: str, message: str, kept: dict[str, Any], *, as_numbers: bool
) -> dict[str, Any]:
    """Return a message as it is sent: what this version does not know is left out.

    Args:
        version: `v1` or `v1beta1`.
        message: its name.
        kept: as `read` returned it.
        as_numbers: enums as numbers, which `$alt=json;enum-encoding=int` asks for.
    """
    known = fields(version, message)
    return {
        name: _written(version, known[name], value, as_numbers)
        for name, value in kept.items()
        if name in known and (value is True or value not in _DEFAULTS)
    }


def _written(version: str, word: str, value: Any, as_numbers: bool) -> Any:  # noqa: ANN401
    if word[0] == "[":
        return [_written(version, word[1:], each, as_numbers) for each in value]
    if word[0] == "{":
        return {key: _written(version, word[1:], each, as_numbers) for key, each in value.items()}
    if word[0] == "#":
        return numbers(word[1:])[value] if as_numbers else value
    if word == "int64":
        return str(value)
    if word in _tables()[version]:
        return written(version, word, value, as_numbers=as_numbers)
    return value


def camel(name: str) -> str:
    """Return a field's JSON name: `tuning_job` is `tuningJob`."""
    return re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)


def snake(name: str) -> str:
    """Return a field's name in the proto: `tuningJob` is `tuning_job`."""
    return re.sub(r"([A-Z])", lambda match: "_" + match[1].lower(), name)


def _within(path: str, name: str) -> str:
    return f"{path}.{snake(name)}" if path else snake(name)


def _unknown(key: str, path: str) -> Refused:
    place = f" at '{path}'" if path else ""
    said = f'Invalid JSON payload received. Unknown name "{key}"{place}: Cannot find field.'
    return _front_end(said, path)


def _bad_value(path: str, kind: str, value: object) -> Refused:
    shown = orjson.dumps(value).decode()
    return _front_end(f"Invalid value at '{path}' ({kind}), {shown}", path)


def _front_end(said: str, path: str) -> Refused:
    violation = {"description": said, **({"field": path} if path else {})}
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return Refused("INVALID_ARGUMENT", said, [detail])
