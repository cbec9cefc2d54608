"""How commands look: an example in each help, the global options accepted on either side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tunectl.cli.session import Session

F = TypeVar("F", bound="Callable[..., Any] | click.Command")
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


class SharedOption(click.Option):
    """A global option: listed apart in the help."""


class Command(click.Command):
    """A command with an `Example` section."""

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self.example = example

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments.

        Raises:
            click.UsageError: naming this command, also where the parser does not know it.
        """
        if any(
            argument[:1] == "-" and argument[1:2].islower() and argument[2:] for argument in args
        ):
            from tunectl.cli.habits import refuse_one_hyphen

            refuse_one_hyphen(ctx, args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the global ones."""
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and isinstance(param, click.Option):
                (shared if isinstance(param, SharedOption) else own).append(record)
        for title, records in (("Options", own), ("Global options", shared)):
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example."""
        del ctx
        if self.example:
            with formatter.section("Example"):
                for line in self.example.strip().splitlines():
                    formatter.write(f"{' ' * formatter.current_indent}{line.rstrip()}\n")


def command(name: str, *, example: str) -> Callable[[Callable[..., Any]], Command]:
    """Make a command that takes the global options.

    Args:
        name: as typed.
        example: lines for the `Example` section of the help.
    """

    def wrap(function: Callable[..., Any]) -> Command:
        made = click.command(name, cls=Command, context_settings=SETTINGS, example=example)
        return made(shared_options(function))

    return wrap


def shared_options(function: F) -> F:
    """Add the global options; what they hold goes to the session."""
    for option in reversed(_SHARED):
        function = option(function)
    return function


def _shared(*names: str, set_: Callable[[Session, Any], None], **more: Any) -> Callable[[F], F]:  # noqa: ANN401
    def callback(ctx: click.Context, param: click.Parameter, value: Any) -> None:  # noqa: ANN401
        del param
        if value not in (None, (), False):
            set_(ctx.ensure_object(Session), value)

    return click.option(
        *names, cls=SharedOption, callback=callback, expose_value=False, is_eager=True, **more
    )


def _set_root(session: Session, value: Path) -> None:
    session.root = value


def _set_env(session: Session, value: str) -> None:
    session.env = value


def _add_variables(session: Session, values: tuple[str, ...]) -> None:
    for text in values:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError(f"`--var {text}` is not of the form `name=value`")
        session.variables[name] = value


def _add_files(session: Session, values: tuple[Path, ...]) -> None:
    session.var_files.extend(values)


def _no_color(session: Session, value: bool) -> None:
    session.color = not value


_SHARED: tuple[Callable[[Any], Any], ...] = (
    _shared(
        "-C",
        "root",
        set_=_set_root,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Work on the project in this folder.",
    ),
    _shared(
        "--env",
        set_=_set_env,
        metavar="NAME",
        help="The environment [default: TUNECTL_ENV or default].",
    ),
    _shared(
        "--var",
        set_=_add_variables,
        multiple=True,
        metavar="NAME=VALUE",
        help="Set a variable; may be repeated.",
    ),
    _shared(
        "--var-file",
        set_=_add_files,
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Read variables from a YAML file; may be repeated.",
    ),
    _shared("--no-color", set_=_no_color, is_flag=True, help="Print without colour."),
)


def format_option(*formats: str) -> Callable[[F], F]:
    """Add `--format`; the first is the default."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(formats),
        default=formats[0],
        help=f"How to print [default: {formats[0]}].",
    )
