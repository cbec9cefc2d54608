"""A command with sub-commands, and an example in its help."""

from __future__ import annotations

import click

from tunectl.cli.command import Command
from tunectl.cli.lazy import unknown_command


class ExampleGroup(click.Group, Command):
    """`tunectl state`, `tunectl model`."""

    def add(self, made: Command) -> Command:
        """Take in a sub-command; usable as a decorator."""
        self.add_command(made)
        return made

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the sub-command the arguments name.

        Raises:
            click.UsageError: with the nearest name, when there is none.
        """
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            raise unknown_command(args[0], list(self.commands), ctx)
        return super().resolve_command(ctx, args)
