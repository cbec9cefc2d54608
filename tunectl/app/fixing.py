"""dataset fix: repair data files without guessing, into new files."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import BinaryIO

from tunectl.app.new_files import STDOUT, new_file, refuse_to_overwrite, whole_output
from tunectl.app.options import Options
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, Diagnostic, Exit, Severity, strongest
from tunectl.data.datafile import DataFile
from tunectl.data.dataset import DataSpec, named_shape, read
from tunectl.data.files import find_files
from tunectl.data.fixing.edit import Edit, Tell
from tunectl.data.fixing.fixer import Pass
from tunectl.data.problems import Problems
from tunectl.data.spooled import NAME as STDIN_NAME

_ENDINGS = re.compile(r"(\.(jsonl|ndjson|json|csv|tsv|txt))?(\.(gz|zst))?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to repair.

    Attributes:
        files: paths, patterns or URLs, or `-` for standard input.
        out: the one file to write, `-` for standard output; without it each file gets its own,
            `NAME.fixed.jsonl` beside it.
        format: the shape's name; None to recognise it row by row.
        columns: which column is `input`, `output`, `system`.
        encoding: of the lines that are not UTF-8; None to find it.
        drop: leave out the rows that cannot be repaired.
        dry_run: write nothing.
        force: replace a file that is there.
        check: say which rules the new file breaks.
    """

    files: tuple[str, ...]
    out: str | None = None
    format: str | None = None
    columns: Mapping[str, str] | None = None
    encoding: str | None = None
    drop: bool = False
    dry_run: bool = False
    force: bool = False
    check: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What became of some files.

    Attributes:
        names: the files that were read.
        out: what was written, or would be; None when there was nothing to repair, or when some
            rows cannot be repaired.
        rows: how many rows were read, and `written`, how many are left.
        edits: how many of each rule.
        left: what a person has to repair: what stopped it, or what rules the new file breaks.
    """

    names: tuple[str, ...]
    out: str | None
    rows: int
    written: int
    edits: Mapping[str, int] = field(default_factory=dict)
    left: tuple[Diagnostic, ...] = ()

    @property
    def exit(self) -> Exit:
        """The exit code this stands for."""
        return strongest(d.exit for d in self.left if d.severity is Severity.ERROR)


def fix(options: Options, asked: Asked, tell: Tell, stdout: BinaryIO) -> tuple[Fixed, ...]:
    """Repair files; those that are read are never changed.

    Args:
        options: the folder from which paths count.
        asked: what to repair.
        tell: takes every edit as it is made.
        stdout: takes the rows where `out` is `-`.

    Raises:
        ConfigError: no such file, or a place that must not be written.
    """
    if asked.encoding is not None:
        _known(asked.encoding)
    files = _files(options.root, asked)
    if asked.out is not None:
        return (_fix(options.root, asked, files, asked.out, tell, stdout),)
    outs = [_beside(file) for file in files]
    return tuple(
        _fix(options.root, asked, [file], out, tell, stdout)
        for file, out in zip(files, outs, strict=True)
    )


def _known(encoding: str) -> None:
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise ConfigError.of(
            f"there is no encoding `{encoding}`",
            hint="such as `cp1250`, `cp1251`, `iso8859-2` or `koi8-r`",
            code="unknown-encoding",
        ) from error


def _files(root: Path, asked: Asked) -> list[DataFile]:
    problems = Problems(None, {})
    spec = _spec(asked)
    named_shape(spec, problems)
    found = [
        f for name in asked.files for f in find_files(replace(spec, source=name), root, problems)
    ]
    if problems.failures:
        raise ConfigError(problems.result())
    return found


def _spec(asked: Asked) -> DataSpec:
    return DataSpec(format=asked.format, columns=asked.columns)


def _beside(file: DataFile) -> str:
    """The name of the repaired file beside one that is read.

    Raises:
        ConfigError: when it is not on this machine's disk.
    """
    if file.name == STDIN_NAME or "://" in file.name:
        raise ConfigError.of(
            f"say where the repaired rows of `{file.name}` go",
            hint="`-o FILE`, or `-o -` for standard output",
            code="no-output",
        )
    return _ENDINGS.sub("", file.name, count=1) + ".fixed.jsonl"


def _fix(
    root: Path,
    asked: Asked,
    files: Sequence[DataFile],
    out: str,
    tell: Tell,
    stdout: BinaryIO,
) -> Fixed:
    """Repair some files into one."""
    path = root / out
    if out != STDOUT and not asked.dry_run:
        refuse_to_overwrite(path, [root / file.name for file in files], force=asked.force)
    job = _Job(asked, files, tell)
    try:
        if asked.dry_run:
            job.run(lambda _: None)
        else:
            with whole_output(stdout) if out == STDOUT else new_file(path) as stream:
                job.run(stream.write)
    except _NothingWrittenError:
        return job.fixed(None)
    done = job.fixed(out)
    if asked.dry_run or out == STDOUT or not asked.check:
        return done
    return replace(done, left=(*done.left, *_rules_broken(root, out)))


def _rules_broken(root: Path, out: str) -> tuple[Diagnostic, ...]:
    """What the repaired file still breaks, which only a person can repair."""
    _, found = read(DataSpec(source=out), root)
    return found


class _NothingWrittenError(Exception):
    pass


class _Job:
    """One pass over some files into one."""

    def __init__(self, asked: Asked, files: Sequence[DataFile], tell: Tell) -> None:
        self._asked = asked
        self._files = files
        self._tell = tell
        self._edits: Counter[str] = Counter()
        self._whole, self._rows = Problems(None, {}), Problems(None, {})
        shape = named_shape(_spec(asked), Problems(None, {}))
        self._pass = Pass(
            tell=self._edit,
            write=lambda _: None,
            whole=self._whole,
            rows=self._rows,
            shape=shape,
            columns=asked.columns or {},
            encoding=asked.encoding,
        )

    def run(self, write: object) -> None:
        """Repair all files.

        Raises:
            _NothingWrittenError: nothing is to be written: there is nothing to repair, or
                something that cannot be.
        """
        self._pass.write = write  # type: ignore[assignment]
        for file in self._files:
            try:
                self._pass.fix(file)
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                self._whole.cannot(
                    "unreadable",
                    f"`{file.name}` cannot be read: {why}",
                    file=file.name,
                    hint=getattr(error, "hint", ""),
                )
        if not self._pass.written and not self._whole.failures and not self._rows.failures:
            self._whole.cannot("empty-file", "there are no rows", file=self._files[0].name)
        stopped = self._rows.failures and not self._asked.drop
        if self._whole.failures or stopped or not (self._edits or self._rows.failures):
            raise _NothingWrittenError
        if self._rows.failures and not self._pass.written:
            raise _NothingWrittenError

    def _edit(self, edit: Edit) -> None:
        self._edits[edit.rule] += edit.times
        self._tell(edit)

    def fixed(self, out: str | None) -> Fixed:
        """What became of the files."""
        return Fixed(
            names=tuple(file.name for file in self._files),
            out=out,
            rows=self._pass.read + self._rows.failures,
            written=self._pass.written,
            edits=dict(self._edits),
            left=(*self._whole.result(), *self._unrepaired()),
        )

    def _unrepaired(self) -> tuple[Diagnostic, ...]:
        found = self._rows.result()
        if not self._asked.drop or not self._pass.written:
            return found
        return tuple(
            replace(d, severity=Severity.WARNING, exit=Exit.DONE, detail="left out") for d in found
        )
