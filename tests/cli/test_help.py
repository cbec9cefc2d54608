"""The help is the manual: every command's is kept, short, and has an example."""

from __future__ import annotations

import importlib
import subprocess
import sys

import click
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.conftest import Run
from tunectl.cli.lazy import ENTRIES, Entry
from tunectl.cli.main import cli

HEAVY = ("pydantic", "jinja2", "openai", "yaml", "rich", "orjson", "httpx", "torch", "asyncio")


def commands() -> dict[tuple[str, ...], click.Command]:
    """Every command and sub-command by its words."""
    found: dict[tuple[str, ...], click.Command] = {(): cli}
    for entry in ENTRIES:
        made = importlib.import_module(entry.module).command
        found[entry.name,] = made
        if isinstance(made, click.Group):
            found |= {(entry.name, name): sub for name, sub in made.commands.items()}
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_help_is_short_and_has_an_example(
    words: tuple[str, ...], tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    result = tunectl(*words, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out == snapshot
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= (62 if words else 70)  # the overview has a line for each command
    example = lines[lines.index("Example:") + 1 :]
    assert example
    assert all(word in " ".join(example) for word in ("tunectl", *words))


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_document_is_asked_for_in_one_way_and_a_stream_in_the_other(words: tuple[str, ...]):
    options = [p for p in commands()[words].params if isinstance(p, click.Option)]
    formats = [p for p in options if "--format" in p.opts]
    streams = [p for p in options if "--json" in p.opts and not p.hidden]
    for option in formats:
        assert option.help == f"How to print [default: {option.default}]."
    for option in streams:
        assert not formats
        assert "JSON" in (option.help or "")


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.name)
def test_the_overview_says_what_the_command_says(entry: Entry) -> None:
    made = importlib.import_module(entry.module).command
    assert (made.help or "").splitlines()[0] == entry.help
    assert made.name == entry.name


@pytest.mark.parametrize(
    "args", [["--version"], ["--help"], ["plan", "--help"], ["apply", "--help"], ["nope"]]
)
def test_starting_loads_nothing_heavy(args: list[str]) -> None:
    script = (
        "import sys\nfrom tunectl.cli.main import run\n"
        f"run({args!r})\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_version_is_one_line(tunectl: Run) -> None:
    result = tunectl("--version")
    assert result.code == 0
    assert result.out.startswith("tunectl 0.")
    assert result.out.count("\n") == 1


def test_alone_it_shows_the_help(tunectl: Run) -> None:
    result = tunectl()
    assert "Plan and apply:" in result.out + result.err
