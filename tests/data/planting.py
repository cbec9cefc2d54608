"""What a planted case is: a small dataset that breaks one rule, and the nearest one that does not.

Rows are Polish or Russian wherever the text matters. A case is read from files as any dataset is.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from tests.config.making import loaded
from tunectl.core.errors import ConfigError, Diagnostic, Severity
from tunectl.data.dataset import DataSpec, read
from tunectl.data.policy import NO_POLICY, Policy
from tunectl.data.targets import Level, Target

Row: TypeAlias = Mapping[str, Any]
# The rows of one file, a file's bytes, or the rows of each split.
Content: TypeAlias = Sequence[Row] | bytes | Mapping[str, Sequence[Row]]

SYSTEM = {"role": "system", "content": "Pomagasz klientom sklepu."}
USER = {"role": "user", "content": "Gdzie jest moja paczka?"}
ASSISTANT = {"role": "assistant", "content": "Jest w drodze i dotrze jutro."}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One case.

    Attributes:
        rule: the rule that must speak, alone.
        what: what is planted, for the table.
        broken, twin: the two datasets.
        place: the file and line of the first finding; empty for one about the whole dataset.
        severity: how much it weighs; None for the rule's own weight.
        name: the file's name.
        options: how it is read, as `DataSpec` has it.
        targets, level, policy: as `read` has them.
        otherwise: what of these differs for the twin.
        shrunk: limits that are too large for a test: module, name, value.
        project: the YAML of a project around the file; empty for a dataset by itself.
        about: the address that is spoken of, in a project.
        files: what lies beside it, by name.
    """

    rule: str
    what: str
    broken: Content
    twin: Content
    place: str = "rows.jsonl:1"
    severity: Severity | None = None
    name: str = "rows.jsonl"
    options: Mapping[str, Any] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    level: Level = Level.DEFAULT
    policy: Policy = NO_POLICY
    otherwise: Mapping[str, Any] = field(default_factory=dict)
    shrunk: tuple[tuple[str, str, Any], ...] = ()
    project: str = ""
    about: str = ""
    files: Mapping[str, str] = field(default_factory=dict)

    def read_broken(self, folder: Path) -> tuple[Diagnostic, ...] | None:
        """Write the planted dataset into a folder and read it; None when it cannot be read."""
        return self._read(self.broken, folder)

    def read_twin(self, folder: Path) -> tuple[Diagnostic, ...] | None:
        """Write the twin into a folder and read it; None when it cannot be read."""
        return replace(self, **self.otherwise)._read(self.twin, folder)

    def _read(self, content: Content, folder: Path) -> tuple[Diagnostic, ...] | None:
        where: dict[str, Any] = {"source": self.name}
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        if isinstance(content, Mapping):
            for split, rows in content.items():
                (folder / f"{split}.jsonl").write_bytes(as_bytes(rows))
            where = {"splits": {split: f"{split}.jsonl" for split in content}}
        else:
            (folder / self.name).write_bytes(as_bytes(content))
        if self.project:
            return _told_of(self.project, folder)
        spec = DataSpec(**where, **self.options)
        dataset, found = read(
            spec, folder, targets=self.targets, level=self.level, policy=self.policy
        )
        return None if dataset is None else found

    def shrink(self, set_: Any) -> None:
        """Set the limits that are too large for a test, by `monkeypatch.setattr`."""
        for module, name, value in self.shrunk:
            set_(importlib.import_module(module), name, value)


def _told_of(text: str, folder: Path) -> tuple[Diagnostic, ...] | None:
    """What is said of a project; None when it cannot be used for a reason other than its data."""
    (folder / "tunectl.yaml").write_text(text, encoding="utf-8")
    try:
        return tuple(loaded(folder).project.warnings)
    except ConfigError as error:
        return error.diagnostics


def as_bytes(content: Sequence[Row] | bytes) -> bytes:
    """The bytes of a file of rows."""
    if isinstance(content, bytes):
        return content
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content).encode()


def row(*messages: Row, **more: Any) -> Row:
    """A chat row."""
    return {"messages": list(messages), **more}


def said(answer: Any, question: str = "Co słychać w sklepie?", **more: Any) -> Row:
    """A chat row with that answer."""
    return row({**USER, "content": question}, {"role": "assistant", "content": answer}, **more)


def talks(count: int, first: int = 1) -> list[Row]:
    """Rows that differ and break no rule."""
    return [
        said(f"Paczka {n * 37} jest w drodze.", f"Gdzie paczka {n}?")
        for n in range(first, first + count)
    ]


def beside(broken: Row, fine: Row, rule: str, what: str, **more: Any) -> Planted:
    """A case of one row, which stands on the second line; the first row breaks nothing."""
    first = talks(1)
    return Planted(
        rule=rule,
        what=what,
        broken=[*first, broken],
        twin=[*first, fine],
        place="rows.jsonl:2",
        **more,
    )


def text(rule: str, what: str, broken: str, fine: str, **more: Any) -> Planted:
    """A case of one answer."""
    return beside(said(broken), said(fine), rule, what, **more)
