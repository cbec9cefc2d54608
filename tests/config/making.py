"""Make small projects and load them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.config.error_cases import rows
from tunectl.config.load import Loaded, load
from tunectl.core.errors import ConfigError
from tunectl.core.resource import Resource

TODAY = date(2026, 11, 22)

DATASET = """
dataset:
  support: {source: data/rows.jsonl}
"""


def project(root: Path, text: str, **files: str) -> Path:
    """Write a project: `tunectl.yaml`, 24 sound rows, and files by path (`__` for `/`)."""
    data = root / "data" / "rows.jsonl"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(rows(24), encoding="utf-8")
    (root / "tunectl.yaml").write_text(dedent(text), encoding="utf-8")
    for name, content in files.items():
        write(root, name, content)
    return root


def write(root: Path, name: str, content: str) -> None:
    """Write one file; dots and slashes as they are."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(content), encoding="utf-8")


def loaded(root: Path, **options: Any) -> Loaded:
    """Load with an empty environment on a fixed day."""
    return load(root, **{"environ": {}, "now": TODAY, **options})


def resources(root: Path, **options: Any) -> dict[str, Resource]:
    """Load and return the resources by address."""
    return {str(r.address): r for r in loaded(root, **options).project.resources}


def problems(root: Path, **options: Any) -> list[str]:
    """Return the summaries of what is wrong; loading must fail."""
    try:
        loaded(root, **options)
    except ConfigError as error:
        return [d.summary for d in error.diagnostics]
    raise AssertionError("it loaded")
