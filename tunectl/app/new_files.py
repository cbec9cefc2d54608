"""Files that data commands write: whole or not at all, never over what they read."""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from tunectl.core.errors import ConfigError

STDOUT = "-"


def refuse_to_overwrite(path: Path, read: Iterable[Path], *, force: bool) -> None:
    """Say no to a place that must not be written.

    Args:
        path: where something is to be written.
        read: the files that are read, which are never replaced.
        force: replace any other file that is there.

    Raises:
        ConfigError: it is one of the files that are read, is there already, or has no folder.
    """
    for one in read:
        with contextlib.suppress(OSError):
            if os.path.samefile(one, path):
                raise ConfigError.of(
                    f"`{path}` is read, so it is not written",
                    hint="name another file with `-o`",
                    code="overwrites-input",
                )
    if path.is_dir():
        raise ConfigError.of(f"`{path}` is a folder", hint="name a file in it", code="is-a-folder")
    if not path.parent.is_dir():
        raise ConfigError.of(
            f"there is no folder `{path.parent}`", hint="make it first", code="no-such-folder"
        )
    if not force and os.path.lexists(path):
        raise ConfigError.of(
            f"`{path}` is there already",
            hint="name another file with `-o`, or replace it with `--force`",
            code="file-exists",
        )


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its place when all was written, and else leaves nothing behind.

    A name that ends in `.gz` or `.zst` is compressed.

    Raises:
        ConfigError: it cannot be written.
    """
    made = ""
    try:
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=".tunectl-")
        with os.fdopen(handle, "wb") as raw:
            with _packed(raw, path.name) as stream:
                yield stream
            raw.flush()
            os.fsync(raw.fileno())
        os.chmod(made, 0o666 & ~_umask())
        os.replace(made, path)
        made = ""
    except OSError as error:
        raise ConfigError.of(
            f"cannot write `{path}`: {(error.strerror or str(error)).lower()}",
            hint="name another file with `-o`",
            code="unwritable",
        ) from error
    finally:
        if made:
            with contextlib.suppress(OSError):
                os.unlink(made)


@contextlib.contextmanager
def whole_output(stdout: BinaryIO) -> Iterator[BinaryIO]:
    """Open a file without a name, which goes to standard output when all was written.

    Raises:
        ConfigError: there is no room for it.
    """
    try:
        with tempfile.TemporaryFile() as kept:
            yield cast("BinaryIO", kept)
            kept.seek(0)
            with contextlib.suppress(BrokenPipeError):  # whoever reads has enough
                shutil.copyfileobj(kept, stdout, 1 << 20)
                stdout.flush()
    except OSError as error:
        raise ConfigError.of(
            f"cannot write: {(error.strerror or str(error)).lower()}", code="unwritable"
        ) from error


@contextlib.contextmanager
def _packed(raw: BinaryIO, name: str) -> Iterator[BinaryIO]:
    if name.lower().endswith(".gz"):
        # No name and no time inside: the same rows give the same bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
            yield cast("BinaryIO", packed)
    elif name.lower().endswith(".zst"):
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
        with zstd.ZstdFile(raw, "wb") as packed:
            yield cast("BinaryIO", packed)
    else:
        yield raw


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
