"""`--write FORMAT=FILE`: further renderings of one plan, made in the same run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from tunectl.core.errors import TunectlError

F = TypeVar("F", bound=Callable[..., Any])


def write_option(*formats: str) -> Callable[[F], F]:
    """Add `--write`; the command gets pairs of format and file as `write`."""

    def read(
        ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
    ) -> tuple[tuple[str, Path], ...]:
        del ctx, param
        found = tuple(_rendering(text, formats) for text in value)
        files = [path for _, path in found]
        for path in files:
            if files.count(path) > 1:
                _no(f"`--write` names `{path}` twice", "give each its own file")
        return found

    return click.option(
        "--write",
        multiple=True,
        callback=read,
        metavar="FORMAT=FILE",
        help=f"Also write it to a file: {', '.join(formats)}. May be repeated.",
    )


def _rendering(text: str, formats: tuple[str, ...]) -> tuple[str, Path]:
    format_, separator, file = text.partition("=")
    known = ", ".join(f"`{name}`" for name in formats)
    if not separator or not file:
        _no(f"`--write {text}` is not of the form `FORMAT=FILE`", f"formats are {known}")
    if format_ not in formats:
        import difflib

        near = difflib.get_close_matches(format_.lower(), formats, n=1)
        hint = f"did you mean `{near[0]}={file}`?" if near else f"formats are {known}"
        _no(f"`--write {text}`: there is no format `{format_}`", hint)
    if file == "-":
        _no("`--write` writes files", f"print with `--format {format_}`")
    path = Path(file)
    if path.is_dir():
        _no(f"`--write {text}`: `{file}` is a folder", "name a file in it")
    if not path.parent.is_dir():
        _no(f"`--write {text}`: there is no folder `{path.parent}`", "make it first")
    return format_, path


def _no(summary: str, hint: str) -> NoReturn:
    raise click.UsageError(f"{summary}\n{hint}")


def write_file(path: Path, text: str) -> None:
    """Write one rendering.

    Raises:
        TunectlError: the file cannot be written.
    """
    try:
        path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    except OSError as error:
        raise TunectlError.of(f"cannot write `{path}`: {(error.strerror or '').lower()}") from error
