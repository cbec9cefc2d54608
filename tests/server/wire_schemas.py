"""Validates whatever crosses the wire against the schemas of OpenAI's own specification.

Two places where the specification contradicts its own examples are settled here: pausing a job
answers with the status `paused`, which the enumeration lacks; and the words of OpenAPI 3.0 that
JSON Schema does not know (`nullable`, `exclusiveMinimum: true`) are given their meaning.
"""

import copy
import functools
import json
import re
from pathlib import Path

import jsonschema
import pytest

SUBSET = Path(__file__).resolve().parents[3] / "shared/data/openai-openapi-subset.json"
ROWS = SUBSET.with_name("openai-finetune-row-schemas.json")


def _read(path):
    if not path.exists():
        pytest.skip(f"the specification `{path.name}` is not beside this checkout")
    return _nullable(json.loads(path.read_text(encoding="utf-8")))


def _nullable(node):
    if isinstance(node, list):
        return [_nullable(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _nullable(value) for key, value in node.items()}
    if node.get("exclusiveMinimum") is True:
        node["exclusiveMinimum"] = node.pop("minimum")
    if node.pop("nullable", None) is True:
        return {"anyOf": [node, {"type": "null"}]}
    return node


@functools.cache
def spec():
    document = _read(SUBSET)
    status = document["components"]["schemas"]["FineTuningJob"]["properties"]["status"]
    status["enum"] = [*status["enum"], "paused"]
    return document


@functools.cache
def row_spec():
    return _read(ROWS)


@functools.cache
def _validator(reference):
    document = spec()
    schema = {"$ref": reference, "components": copy.deepcopy(document["components"])}
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def check_schema(name, value):
    _validator(f"#/components/schemas/{name}").validate(value)


@functools.cache
def _operations():
    found = []
    for path, methods in spec()["paths"].items():
        pattern = re.compile("/v1" + re.sub(r"\\\{[^}]*\\\}", "(.+)", re.escape(path)))
        for method, operation in methods.items():
            found.append((method.upper(), pattern, path.count("{"), operation))
    # The most literal path wins: /jobs/{id}/cancel is not /jobs/{id}.
    return sorted(found, key=lambda item: (-item[1].pattern.count("/"), item[2]))


def check_response(method, path, status, content_type, body):
    """Validate one response; returns the name of what it was validated against."""
    if status >= 400:
        check_schema("ErrorResponse", json.loads(body))
        return "ErrorResponse"
    for verb, pattern, _, operation in _operations():
        if verb == method and pattern.fullmatch(path):
            content = operation["responses"]["200"]["content"]
            schema = content.get(content_type, content["application/json"])["schema"]
            if "$ref" not in schema:
                return "bytes"
            name = schema["$ref"].rpartition("/")[2]
            if content_type == "text/event-stream":
                for event in body.decode().split("\n\n"):
                    if event and event != "data: [DONE]":
                        check_schema(name, json.loads(event.removeprefix("data: ")))
            else:
                check_schema(name, json.loads(body))
            return name
    raise AssertionError(f"{method} {path} is not in the specification")
