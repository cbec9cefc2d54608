"""What the `prompt` commands share: the inputs of a prompt, and whose it is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tunectl.app.prompt_running import Asked
    from tunectl.app.prompting import Template

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _pairs(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Read `--input name=value`."""
    del ctx, param
    found = []
    for text in value:
        name, separator, said = text.partition("=")
        if not separator or not name.strip():
            raise click.UsageError(f"`--input {text}` is not of the form `name=value`")
        found.append((name.strip(), said))
    return tuple(found)


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--input",
        "pairs",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_pairs,
        help="An input; may be repeated. A list is several of one name.",
    ),
    click.option(
        "--input-file", type=_FILE, metavar="FILE", help="Inputs from a JSON or YAML file."
    ),
    click.option("--user", metavar="USER", help="Whose profile and conversation it is."),
    click.option("--session", metavar="NAME", help="Which conversation of this user."),
    click.option(
        "--profile-file",
        type=_FILE,
        metavar="FILE",
        help="A profile from a JSON or YAML file, instead of the memory's.",
    ),
    click.option(
        "--documents",
        type=_FILE,
        metavar="FILE",
        help="Passages from a JSON, JSONL, YAML or text file, instead of a search.",
    ),
)
_SENDING: tuple[Callable[[Any], Any], ...] = (
    click.option("--provider", metavar="NAME", help="Ask this provider instead."),
    click.option("--model", metavar="ID", help="Ask this model instead."),
    click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer."),
    click.option(
        "--temperature", type=click.FloatRange(0, 2), metavar="T", help="0 is repeatable."
    ),
)


def input_options(function: F) -> F:
    """Add what a prompt is given: `pairs`, `input_file`, `user`, `session` and the files."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def sending_options(function: F) -> F:
    """Add where it is sent: `provider`, `model`, `max_tokens`, `temperature`."""
    for option in reversed(_SENDING):
        function = option(function)
    return function


def said(text: str | None) -> str | None:
    """Return the text of an argument; `-` reads standard input.

    Raises:
        click.UsageError: standard input is empty.
    """
    if text != "-":
        return text
    found = sys.stdin.read().rstrip("\n")
    if not found.strip():
        raise click.UsageError("standard input is empty")
    return found


def asked(
    made: Template,
    text: str | None,
    pairs: tuple[tuple[str, str], ...],
    *,
    input_file: Path | None,
    user: str | None,
    session: str | None,
    profile_file: Path | None,
    documents: Path | None,
    all_of: bool = True,
) -> Asked:
    """Return what a prompt is given, read and checked.

    Raises:
        ConfigError: an input is unknown, missing or of another type, or a file cannot be read.
    """
    from tunectl.app import prompt_values
    from tunectl.app.prompt_running import Asked

    given = prompt_values.mapping_in(input_file, "the inputs") if input_file else {}
    return Asked(
        inputs=prompt_values.settled(made.rules, pairs, given, text, all_of=all_of),
        user=user,
        session=session,
        profile=prompt_values.mapping_in(profile_file, "a profile") if profile_file else None,
        documents=prompt_values.documents_in(documents) if documents else None,
    )


def parameters(max_tokens: int | None, temperature: float | None) -> dict[str, int | float]:
    """Return what is said of the answer; what is not said is left to the provider."""
    given = {"max_tokens": max_tokens, "temperature": temperature}
    return {name: value for name, value in given.items() if value is not None}
