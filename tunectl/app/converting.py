"""dataset convert: rows of any shape written in a format of others, and nothing lost in silence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from tunectl.app.new_files import STDOUT, new_file, refuse_to_overwrite, whole_output
from tunectl.app.options import Options
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, Diagnostic, Exit, Refused, Severity, Source
from tunectl.data.convert import converter
from tunectl.data.dataset import DataSpec
from tunectl.data.fingerprint import Row
from tunectl.data.one_pass import OnePass
from tunectl.data.scan import Scanned, near_key, some_keys
from tunectl.data.wire import format_named
from tunectl.data.wire.conversation import UnreadableRowError
from tunectl.data.wire.encode import Encoder, encoder
from tunectl.data.wire.format import Convert, Format
from tunectl.data.wire.losses import KINDS, Loss, Losses, loss_names

_SUBJECTS_SHOWN = 8
_OTHER_ROWS = (
    "`tunectl dataset check` says whether the row is right in itself: then leave it out, or choose "
    "a format that can say it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to convert.

    Attributes:
        files: paths or patterns, or `-` for standard input; all become one file.
        to: the format's name.
        out: the file to write; `-` for standard output.
        format: the shape's name; None to recognise it.
        columns: which column is `input`, `output`, `system`.
        limit: read only so many rows of each file.
        allow: the losses that are accepted.
        keep: keys of the rows that are carried along, whatever the format.
        force: replace a file that is there.
    """

    files: tuple[str, ...]
    to: str
    out: str = STDOUT
    format: str | None = None
    columns: Mapping[str, str] | None = None
    limit: int | None = None
    allow: Collection[str] = ()
    keep: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was read and written.

    Attributes:
        shape: of the rows read, and `evidence`, what told it.
        rows: how many were read and written.
        out: the file that was written; `-` for standard output.
        losses: what was lost, all of it allowed.
        diagnostics: what else was noticed.
    """

    shape: str
    evidence: str
    rows: int
    to: str
    out: str
    losses: tuple[Loss, ...]
    diagnostics: tuple[Diagnostic, ...]


def convert(
    options: Options,
    asked: Asked,
    stdout: BinaryIO,
    progress: Callable[[int, int, int], None] | None = None,
) -> Converted:
    """Convert files into one; nothing is written unless all of it can be.

    Raises:
        ConfigError: what was asked contradicts itself, or rows that cannot be read or written.
        Refused: the format cannot carry all that the rows say, and that was not allowed.
    """
    to = format_named(asked.to)
    losses = Losses(loss_names(asked.allow))
    root = options.root
    spec = DataSpec(format=asked.format, columns=asked.columns, limit=asked.limit)
    reading = OnePass(spec, root, asked.files, progress, asked.keep)
    reading.stop()
    path = root / asked.out
    if asked.out != STDOUT:
        names = [root / file.name for file in reading.files]
        refuse_to_overwrite(path, names, force=asked.force)
    columns = (*to.columns, *asked.keep) if to.columns else ()
    made = encoder(columns, "" if asked.out == STDOUT else path.name)
    with _opened(asked.out, path, stdout) as stream:
        job = _Job(to, asked.keep, losses, made)
        rows = job.run(reading, stream)
        found = reading.finish()
        if asked.limit is None:
            _all_kept(asked.keep, job.kept, reading)
        if losses.refused:
            raise Refused(tuple(_refusal(loss, to, losses) for loss in losses.refused))
    assert reading.shape is not None
    return Converted(
        shape=reading.shape.name,
        evidence=reading.shape.evidence,
        rows=rows,
        to=to.name,
        out=asked.out,
        losses=tuple(losses.found.values()),
        diagnostics=found,
    )


@contextmanager
def _opened(out: str, path: Path, stdout: BinaryIO) -> Iterator[BinaryIO]:
    with whole_output(stdout) if out == STDOUT else new_file(path) as stream:
        yield stream


class _Job:
    """Writes row after row.

    Attributes:
        kept: the keys that were carried along so far.
    """

    def __init__(self, to: Format, keep: tuple[str, ...], losses: Losses, made: Encoder) -> None:
        self._to = to
        self._keep = keep
        self._losses = losses
        self._made = made
        self._convert: Convert | None = None
        self.kept: set[str] = set()

    def run(self, reading: OnePass, stream: BinaryIO) -> int:
        """Write all rows; what cannot be written goes to the problems of the reading."""
        stream.write(self._made.head())
        count = 0
        for scanned in reading.rows():
            count += 1
            row = self._row(scanned, reading)
            if row is not None:
                stream.write(self._made.row(row))
        stream.write(self._made.tail())
        return count

    def _row(self, scanned: Scanned, reading: OnePass) -> Row | None:
        file, line, raw, row, *_ = scanned
        name = reading.files[file].name
        if self._convert is None:
            assert reading.shape is not None
            self._convert = converter(self._to, reading.shape.method)
        self._losses.begin(f"{name}:{line}")
        kept = {key: row.pop(key) for key in self._keep if key in row}
        self.kept.update(kept)
        try:
            made = self._convert(row, self._losses)
        except UnreadableRowError as error:
            reading.problems.broken(
                "cannot-convert",
                f"the row cannot be written as `{self._to.name}`: {error}",
                file=name,
                line=line,
                raw=raw[:512],
                hint=_OTHER_ROWS,
            )
            return None
        twice = next((key for key in kept if key in made), None)
        if twice is not None:
            raise ConfigError.of(
                f"`--keep {twice}`: a row of `{self._to.name}` has that key itself",
                code="keep-clashes",
            )
        return {**made, **kept}


def _all_kept(keep: tuple[str, ...], kept: Collection[str], reading: OnePass) -> None:
    """Raises: ConfigError: a key that was to be carried along, and that no row has."""
    missing = next((key for key in keep if key not in kept), None)
    if missing is not None:
        seen = some_keys(reading.files)
        taken = missing in seen
        why = "it is in the rows already" if taken else "no row has that key"
        raise ConfigError.of(
            f"`--keep {missing}`: {why}",
            hint="leave the option out" if taken else near_key(missing, seen),
            code="unused-keep",
        )


def _refusal(loss: Loss, to: Format, losses: Losses) -> Diagnostic:
    file, _, line = loss.first.rpartition(":")
    rows = "1 row" if loss.rows == 1 else f"{loss.rows} rows"
    all_ = ",".join(one.kind for one in losses.refused)
    keep = ", `--keep KEY` carries a key along" if loss.kind == "keys" else ""
    return Diagnostic(
        summary=f"`{to.name}` cannot carry `{loss.kind}` of {rows}",
        detail=f"the first is {loss.what}{_subjects(loss)}",
        hint=f"`--allow-loss {all_}` goes on{keep}: {KINDS[loss.kind]}",
        code=f"lost-{loss.kind}",
        source=Source(file, int(line)),
        exit=Exit.REFUSED,
    )


def _subjects(loss: Loss) -> str:
    if len(loss.subjects) < 2:
        return ""
    some = ", ".join(f"`{name}` × {n}" for name, n in list(loss.subjects.items())[:_SUBJECTS_SHOWN])
    more = len(loss.subjects) - _SUBJECTS_SHOWN
    return f"; in all {some}{f' and {more} more' if more > 0 else ''}"


def warnings(done: Converted) -> tuple[Diagnostic, ...]:
    """What a person should see besides: the losses that were allowed, and what was noticed."""
    lost = tuple(
        Diagnostic(
            summary=f"`{loss.kind}` is lost in {loss.rows} of {done.rows} rows, as allowed",
            severity=Severity.WARNING,
            detail=f"{KINDS[loss.kind]}; the first is {loss.what}{_subjects(loss)}",
            code=f"lost-{loss.kind}",
            source=Source(loss.first.rpartition(":")[0], int(loss.first.rpartition(":")[2])),
            exit=Exit.DONE,
        )
        for loss in done.losses
    )
    return (*(replace(d, exit=Exit.DONE) for d in done.diagnostics), *lost)
