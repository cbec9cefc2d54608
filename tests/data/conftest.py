"""Small datasets, written and read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tunectl.core.errors import Diagnostic
from tunectl.data.dataset import Dataset, DataSpec, read

Outcome = tuple[Dataset | None, tuple[Diagnostic, ...]]


def chat_row(question: str, answer: str, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages, **more}


def lines_of(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


@pytest.fixture(scope="session")
def chat() -> Callable[..., dict[str, Any]]:
    return chat_row


@pytest.fixture(scope="session")
def jsonl() -> Callable[[Sequence[Mapping[str, Any]]], str]:
    return lines_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def read_content(tmp_path: Path) -> Callable[..., Outcome]:
    """Write one file and read it as a dataset."""

    def run(content: str | bytes, name: str = "rows.jsonl", **spec: Any) -> Outcome:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read(DataSpec(source=name, **spec), tmp_path)

    return run


@pytest.fixture
def read_rows(read_content: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Write rows as JSON Lines and read them as a dataset."""

    def run(rows: Sequence[Mapping[str, Any]], **spec: Any) -> Outcome:
        return read_content(lines_of(rows), **spec)

    return run


@pytest.fixture
def one() -> Callable[[Outcome], Diagnostic]:
    """The only diagnostic of an outcome."""

    def run(outcome: Outcome) -> Diagnostic:
        [diagnostic] = outcome[1]
        return diagnostic

    return run
