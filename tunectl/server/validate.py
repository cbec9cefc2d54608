"""What a fine-tuning file must look like: the shallow check at upload, the deep one in the job.

The stages, codes and words are OpenAI's where they are known (reports of its users, and the row
schemas its public specification carried until 2025): an upload is refused only for not being JSON
lines; shape, counts and forbidden tokens fail the job while it is `validating_files`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from tunectl.server.row_forms import INPUT_KEYS, OUTPUTS, PREFERENCE_KEYS

MIN_EXAMPLES = 10
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_ROW_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_MESSAGE_KEYS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {
        "role", "content", "name", "weight", "tool_calls", "function_call", "refusal", "audio",
    },
    "tool": {"role", "content", "tool_call_id"},
    "function": {"role", "content", "name"},
}  # fmt: skip
_SPECIAL = re.compile(r"<\|[a-z_]+\|>")
_BOM = b"\xef\xbb\xbf"
_EXCERPT = 5


class RowError(Exception):
    """One row breaks a rule; the text is the part of the message after `Example N`."""


def rows_of(path: Path) -> Iterator[tuple[int, bytes]]:
    r"""Yield (line number from 1, line) of each line that is not blank, split on `\n` alone."""
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            text = line.removeprefix(_BOM) if number == 1 else line
            if text.strip():
                yield number, text


def check_upload(path: Path) -> tuple[int, str | None]:
    """Check that every line is a JSON object, as the upload does.

    Returns:
        The number of rows and None, or the rows before the first bad line and OpenAI's message.
    """
    rows = 0
    for number, line in rows_of(path):
        if not isinstance(_parsed(line), dict):
            start = line[:_EXCERPT].decode("utf-8", errors="replace").rstrip("\n")
            return rows, (
                "Expected file to have JSONL format, where every line is a JSON dictionary. "
                f'Line {number} is not a dictionary (HINT: line starts with: "{start}...").'
            )
        rows += 1
    if rows == 0:
        return 0, (
            "Expected file to have JSONL format, where every line is a JSON dictionary. "
            "The file is empty."
        )
    return rows, None


def check_job(
    training: Path,
    validation: Path | None,
    *,
    method: str = "supervised",
    least: int = MIN_EXAMPLES,
    byte_order_mark: bool = False,
) -> dict[str, Any] | None:
    """Check the files of a job; returns {"code", "message", "param"} of the first fault or None.

    Args:
        training: the training file.
        validation: the other one, if any.
        method: by which the rows teach.
        least: fewest training rows.
        byte_order_mark: whether a file must begin with one.
    """
    for path, name, fewest in ((training, "training", least), (validation, "validation", 1)):
        problem = None
        if path is not None:
            problem = byte_order_mark and _check_mark(path, name)
            problem = problem or _check_file(path, name, fewest, method)
        if problem:
            return problem
    return None


def _check_mark(path: Path, name: str) -> dict[str, Any] | None:
    with path.open("rb") as stream:
        if stream.read(len(_BOM)) == _BOM:
            return None
    return {
        "code": f"invalid_{name}_file",
        "message": f"The {name} file is not UTF-8 with a byte order mark.",
        "param": f"{name}_file",
    }


def _check_file(path: Path, name: str, least: int, method: str) -> dict[str, Any] | None:
    check = CHECKS[method]
    rows = 0
    for _, line in rows_of(path):
        rows += 1
        try:
            check(_parsed(line))
        except RowError as error:
            return {
                "code": f"invalid_{name}_file",
                "message": f"The job failed due to a file format error in the {name} file. "
                f"Invalid file format. Example {rows} {error}",
                "param": f"{name}_file",
            }
    if rows < least:
        noun = "example" if least == 1 else "examples"
        return {
            "code": "invalid_n_examples",
            "message": f"{name.capitalize()} file has {rows} example(s), "
            f"but must have at least {least} {noun}",
            "param": f"{name}_file",
        }
    return None


def check_row(row: object) -> None:
    """Check one row for supervised tuning of a chat model.

    Raises:
        RowError: with the words that follow `Example N` in the job's error.
    """
    if not isinstance(row, dict):
        raise RowError("is not a JSON dictionary.")
    unknown = sorted(row.keys() - _ROW_KEYS)
    if unknown:
        raise RowError(f"has unexpected key(s): {', '.join(unknown)}.")
    messages = row.get("messages")
    if not isinstance(messages, list) or not messages:
        raise RowError("is missing key `messages`, or it is not a non-empty list.")
    calls: set[str] = set()
    for message in messages:
        _check_message(message, calls)
    if not any(message["role"] == "assistant" for message in messages):
        raise RowError("has no message from the assistant: there is nothing to learn.")
    if not any(m["role"] == "assistant" and m.get("weight") != 0 for m in messages):
        raise RowError("gives every assistant message weight 0: there is nothing to learn.")


def check_preference(row: object) -> None:
    """Check one row for preference tuning.

    Raises:
        RowError: with the words that follow `Example N` in the job's error.
    """
    if not isinstance(row, dict) or row.keys() != PREFERENCE_KEYS:
        raise RowError(f"must have the keys {', '.join(sorted(PREFERENCE_KEYS))}, and no other.")
    asked = row["input"]
    if not isinstance(asked, dict) or not asked.keys() <= INPUT_KEYS:
        raise RowError(f"has an `input` with other keys than {', '.join(sorted(INPUT_KEYS))}.")
    messages, calls = _messages(asked.get("messages"), "input.messages"), set[str]()
    for message in messages:
        _check_message(message, calls)
    for key in OUTPUTS:
        for message in _messages(row[key], key):
            _check_message(message, set(calls))
            if message["role"] not in {"assistant", "tool"}:
                raise RowError(f"has a message from {message['role']} in `{key}`.")


def check_task(row: object) -> None:
    """Check one row for reinforcement: a conversation that ends before the answer.

    Raises:
        RowError: with the words that follow `Example N` in the job's error.
    """
    if not isinstance(row, dict):
        raise RowError("is not a JSON dictionary.")
    messages, calls = _messages(row.get("messages"), "messages"), set[str]()
    for message in messages:
        _check_message(message, calls)
    if messages[-1]["role"] == "assistant":
        raise RowError("ends with a message from assistant: there is nothing to answer.")


def _messages(value: object, key: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise RowError(f"is missing key `{key}`, or it is not a non-empty list.")
    return value


CHECKS = {"supervised": check_row, "dpo": check_preference, "reinforcement": check_task}


def _check_message(message: object, calls: set[str]) -> None:
    if not isinstance(message, dict):
        raise RowError("message is not a dictionary.")
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise RowError(f"message has an invalid role: {_short(role)}.")
    unknown = sorted(message.keys() - _MESSAGE_KEYS[role])
    if unknown:
        raise RowError(f"message from {role} has unexpected key(s): {', '.join(unknown)}.")
    if "weight" in message and message["weight"] not in (0, 1):
        raise RowError("message weight must be 0 or 1.")
    _check_content(message, role)
    for call in _tool_calls(message):
        calls.add(call)
    if role == "tool" and message.get("tool_call_id") not in calls:
        raise RowError("has a tool message whose tool_call_id answers no earlier tool call.")


def _check_content(message: dict[str, Any], role: str) -> None:
    content = message.get("content")
    if content is None:
        if role == "assistant" and (message.get("tool_calls") or message.get("function_call")):
            return
        raise RowError(f"message from {role} has no content.")
    texts = [content] if isinstance(content, str) else _part_texts(content, role)
    for text in texts:
        special = _SPECIAL.search(text)
        if special:
            raise RowError(f"message contains an invalid token: {special.group()}.")
    if role == "assistant" and not "".join(texts).strip() and not message.get("tool_calls"):
        raise RowError("message from assistant is empty.")


def _part_texts(content: object, role: str) -> list[str]:
    if not isinstance(content, list) or not content:
        raise RowError(f"message from {role} has content that is neither text nor a list of parts.")
    texts = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") != "text":
            raise RowError(f"message from {role} has a part that is not text.")
        if not isinstance(part.get("text"), str):
            raise RowError(f"message from {role} has a text part without text.")
        texts.append(part["text"])
    return texts


def _tool_calls(message: dict[str, Any]) -> Iterator[str]:
    calls = message.get("tool_calls")
    if calls is None:
        return
    if not isinstance(calls, list):
        raise RowError("message has tool_calls that are not a list.")
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(call.get("id"), str):
            raise RowError("message has a tool call without id or function.")
        if not isinstance(function.get("arguments"), str):
            raise RowError("message has a tool call whose arguments are not a JSON string.")
        yield call["id"]


def text_of(content: object) -> str:
    """Return the text of a message's content, a string or a list of text parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ""


def _parsed(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return None


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:40]}…"
