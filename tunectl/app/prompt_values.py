"""What a prompt is given: inputs as they were typed, and files of inputs, profiles, documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunectl.config.problems import did_you_mean, listed
from tunectl.core.errors import ConfigError, Diagnostic
from tunectl.retrieval.passage import Passage

_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WORDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
    "list": "a list of texts",
}
Rules = Mapping[str, Mapping[str, Any]]
Pairs = Sequence[tuple[str, str]]


def settled(
    rules: Rules,
    pairs: Pairs,
    given: Mapping[str, Any],
    text: str | None = None,
    *,
    all_of: bool = True,
) -> dict[str, Any]:
    """Return the inputs of a prompt, each of its type; values stand in no message.

    Args:
        rules: what the prompt takes: `{type, default}` by name.
        pairs: names and values as typed; a `list` may be typed several times.
        given: values from a file, of their types already; what is typed goes before them.
        text: the value of the first input that has none.
        all_of: whether every input without a default must be there.

    Raises:
        ConfigError: what is unknown, missing or of another type: all of it.
    """
    problems = [_unknown(name, rules) for name in (*given, *dict(pairs)) if name not in rules]
    values = {name: value for name, value in given.items() if name in rules}
    typed: dict[str, list[str]] = {}
    for name, value in pairs:
        if name in rules:
            typed.setdefault(name, []).append(value)
    for name, texts in typed.items():
        try:
            values[name] = _typed(str(rules[name].get("type") or "string"), texts)
        except ValueError:
            wanted = _WORDS.get(str(rules[name].get("type")), "one text")
            problems.append(Diagnostic(summary=f"input `{name}` must be {wanted}"))
    if text is not None and (left := first_left(rules, values)) is not None:
        values[left] = text
    elif text is not None:
        problems.append(_no_place(rules))
    if all_of:
        problems += _missing(rules, {*values, *typed})
    if problems:
        raise ConfigError(tuple(problems))
    return values


def first_left(rules: Rules, values: Iterable[str]) -> str | None:
    """Return the first input that must be given and is not, or else the first that is not."""
    left = [name for name in rules if name not in set(values)]
    must = [name for name in left if "default" not in rules[name]]
    return next(iter((*must, *left)), None)


def _missing(rules: Rules, values: Iterable[str]) -> list[Diagnostic]:
    there = set(values)
    return [
        Diagnostic(
            summary=f"the prompt needs the input `{name}`",
            hint=f"add `--input {name}=…`",
            code="missing-input",
        )
        for name, rule in rules.items()
        if name not in there and "default" not in rule
    ]


def _unknown(name: str, rules: Rules) -> Diagnostic:
    hint = did_you_mean(name, rules, f"its inputs are {listed(rules) or 'none'}")
    return Diagnostic(summary=f"the prompt has no input `{name}`", hint=hint, code="unknown-input")


def _no_place(rules: Rules) -> Diagnostic:
    summary = "the prompt takes no input" if not rules else "every input has a value already"
    return Diagnostic(summary=summary, hint="leave the text out", code="unknown-input")


def _typed(kind: str, texts: Sequence[str]) -> Any:  # noqa: ANN401  # of the type that is asked
    if kind == "list":
        found = json.loads(texts[0]) if len(texts) == 1 and texts[0].startswith("[") else texts
        if not all(isinstance(one, str) for one in found):
            raise ValueError(kind)
        return list(found)
    if len(texts) > 1:
        raise ValueError(kind)
    text = texts[0]
    match kind:
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "boolean":
            if text.lower() not in _FLAGS:
                raise ValueError(kind)
            return _FLAGS[text.lower()]
        case _:
            return text


def mapping_in(path: Path, what: str) -> dict[str, Any]:
    """Return the map that a JSON or YAML file holds.

    Raises:
        ConfigError: it cannot be read, or holds something else.
    """
    tree = _tree(path)
    if not isinstance(tree, dict):
        raise ConfigError.of(f"`{path}` holds no map", hint=f"write {what} as `name: value`")
    return tree


def documents_in(path: Path) -> list[Passage]:
    """Return the passages of a file: a list in JSON, JSON lines or YAML, or one plain text.

    Raises:
        ConfigError: it cannot be read, or a passage is none.
    """
    if path.suffix.lower() == ".jsonl":
        lines = _text(path).splitlines()
        found: Any = [_json(path, line) for line in lines if line.strip()]
    elif path.suffix.lower() in {".json", ".yaml", ".yml"}:
        found = _tree(path)
    else:
        found = [{"text": _text(path), "source": path.name}]
    if not isinstance(found, list):
        raise ConfigError.of(f"`{path}` holds no list", hint="write a list of `{text, source}`")
    return [_passage(path, number, one) for number, one in enumerate(found, 1)]


def _passage(path: Path, number: int, given: object) -> Passage:
    one = {"text": given} if isinstance(given, str) else given
    if not isinstance(one, dict) or not isinstance(one.get("text"), str):
        raise ConfigError.of(
            f"document {number} of `{path}` has no `text`",
            hint="write `{text: …, source: …, title: …, score: …}`, or the text alone",
        )
    score = one.get("score", 0.0)
    return Passage(
        id=str(one.get("id") or number),
        text=one["text"],
        source=str(one.get("source") or ""),
        title=str(one.get("title") or ""),
        score=float(score) if isinstance(score, int | float) else 0.0,
    )


def _tree(path: Path) -> Any:  # noqa: ANN401  # whatever the file says
    if path.suffix.lower() == ".json":
        return _json(path, _text(path))
    from tunectl.config.node import File, plain
    from tunectl.config.problems import Problems
    from tunectl.config.source import parse

    problems = Problems()
    node = parse(File(str(path), _text(path)), problems)
    problems.stop()
    return None if node is None else plain(node)


def _json(path: Path, text: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError.of(f"`{path}` is not JSON: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError.of(f"cannot read `{path}`: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError.of(
            f"`{path}` is not UTF-8", hint="save it as UTF-8, and try again"
        ) from error
