"""The top group: knows every command by name, and imports only the one that is used."""

from __future__ import annotations

import importlib

import click

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: the section of the help it stands in, and its first line there."""

    name: str
    section: str
    help: str

    @property
    def module(self) -> str:
        """The module that has it, as `command`."""
        return f"tunectl.cli.{self.name}_command"


_START, _CHANGE, _LOOK = "Start a project", "Plan and apply", "Look"
_JOBS, _MODELS, _TOOLS = "Running jobs", "Models", "Tools"
ENTRIES = (
    Entry("init", _START, "Write the files of a first project."),
    Entry("validate", _START, "Check the configuration and its data, offline."),
    Entry("fmt", _START, "Rewrite configuration files in one style."),
    Entry("dataset", _START, "Check, count, compare, split and convert data files."),
    Entry("doctor", _START, "Say what this machine has, and what it lacks."),
    Entry("plan", _CHANGE, "Show what apply would do, and why."),
    Entry("apply", _CHANGE, "Make the models as declared."),
    Entry("rehearse", _CHANGE, "Plan, apply and destroy on pretended services."),
    Entry("resume", _CHANGE, "Go on with what was approved and waits for a job."),
    Entry("destroy", _CHANGE, "Delete everything this project made."),
    Entry("import", _CHANGE, "Take over a model or endpoint that exists already."),
    Entry("show", _LOOK, "Show a saved plan, or what is managed now."),
    Entry("output", _LOOK, "Print the outputs of the last apply."),
    Entry("state", _LOOK, "List, show, change and repair what is recorded."),
    Entry("lock", _LOOK, "List held locks, and break one."),
    Entry("drift", _LOOK, "Say what is no longer as tunectl made it."),
    Entry("gc", _LOOK, "List what was made from here and is in no state."),
    Entry("wait", _JOBS, "Wait until running jobs are done."),
    Entry("logs", _JOBS, "Print the log of a tuning job."),
    Entry("cancel", _JOBS, "Cancel a running tuning job."),
    Entry("ask", _MODELS, "Ask an endpoint, prompt, tuned or base model."),
    Entry("memory", _MODELS, "Show, export and purge what is remembered of users."),
    Entry("erase", _MODELS, "Erase all that is remembered of a user, for good."),
    Entry("prompt", _MODELS, "Render, run, chat through and check prompts."),
    Entry("kb", _MODELS, "Search knowledge bases."),
    Entry("model", _MODELS, "List models, and fetch base models."),
    Entry("serve", _MODELS, "Run the local tuning and inference server."),
    Entry("schema", _TOOLS, "Print a JSON Schema, for editors and programs."),
    Entry("completion", _TOOLS, "Print a completion script for a shell."),
)
_BY_NAME = {entry.name: entry for entry in ENTRIES}


class LazyGroup(click.Group):
    """Commands by purpose; each is imported when it runs or when its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the help."""
        del ctx
        return [entry.name for entry in ENTRIES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        entry = _BY_NAME.get(cmd_name)
        if entry is None:
            return None
        found = importlib.import_module(entry.module).command
        assert isinstance(found, click.Command), entry.module
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command the arguments name.

        Raises:
            click.UsageError: with the nearest name, when there is none.
        """
        if args and args[0] not in _BY_NAME and not args[0].startswith("-"):
            raise unknown_command(args[0], list(_BY_NAME), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under what they are for."""
        del ctx
        for section in dict.fromkeys(entry.section for entry in ENTRIES):
            with formatter.section(section):
                formatter.write_dl([(e.name, e.help) for e in ENTRIES if e.section == section])


def unknown_command(name: str, known: list[str], ctx: click.Context) -> click.UsageError:
    """Return the error for a command there is none of, with the nearest one."""
    import difflib

    from tunectl.cli.habits import COMMANDS

    near = difflib.get_close_matches(name, known, n=1)
    hint = f"\ndid you mean `{near[0]}`?" if near else ""
    if ctx.parent is None and name in COMMANDS:
        hint = f"\n{COMMANDS[name]}"
    return click.UsageError(f"there is no command `{name}`{hint}", ctx)
