"""docs/datasets.md and the README's section on data: every command runs, every name exists."""

from __future__ import annotations

import gzip
import io
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Run
from tests.data.test_data_losses import LOSSY
from tunectl.catalog.dataset_rules import providers_with_rules
from tunectl.core.errors import Exit
from tunectl.data.checks import RULES, rules_called
from tunectl.data.shapes import shape_named, shape_names
from tunectl.data.targets import Level
from tunectl.data.wire import FORMATS
from tunectl.data.wire.conversation import UnreadableRowError
from tunectl.data.wire.losses import KINDS, Losses

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "datasets.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
DATA = README.partition("\n## Data\n")[2].partition("\n## ")[0]
PROSE = re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)
ENGLISH = ROOT / "examples" / "01-helpdesk" / "data" / "support-en.jsonl"

PROJECT = """\
project: shop
state: state/
providers:
  openai: {type: openai, key_env: OPENAI_API_KEY}
default_provider: openai
checks: checks.yaml
dataset:
  support:
    source: data/rows.jsonl
    split: {validation: 10%, test: 10%, seed: 7}
tuning_job:
  support: {base_model: gpt-4.1-mini, data: dataset.support}
"""
POLICY = """\
severity: {personal-data: error, no-break-space: off}
allow: {near-duplicate: greetings repeat on purpose}
"""


def chat(asked: str, answer: str, **more: object) -> str:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages, **more}, ensure_ascii=False)


def called() -> str:
    """Two ShareGPT rows that call a tool; the second has a key of its own."""
    call = json.dumps({"name": "stock", "arguments": {"sku": "gryka"}})
    turns = [
        {"from": "human", "value": "Ile jest miodu gryczanego?"},
        {"from": "function_call", "value": call},
        {"from": "observation", "value": "12"},
        {"from": "gpt", "value": "Mamy 12 słoików."},
    ]
    tools = json.dumps([{"name": "stock", "parameters": {"type": "object"}}])
    one = {"conversations": turns, "tools": tools}
    return json.dumps([one, {**one, "id": 7}], ensure_ascii=False)


def fill(folder: Path) -> None:
    """The files that the commands name."""
    honest = ENGLISH.read_text("utf-8").splitlines()
    bad = [
        chat("Jaki macie adres?", ""),
        chat("Mój PESEL to 44051401359, proszę o fakturę.", "Cześć! Faktura jest w drodze."),
        honest[2],
    ]
    orders = [
        chat(f"Где заказ {n * 37}?", f"Заказ {n * 37} в пути, номер {n * 101}.", customer_id=n % 40)
        for n in range(200)
    ]
    texts = {
        "tunectl.yaml": PROJECT,
        "checks.yaml": POLICY,
        "../company-checks.yaml": POLICY,
        "data/rows.jsonl": "\n".join(honest),
        "data/support.jsonl": "\n".join([*honest, *bad]),
        "data/support-en.jsonl": "\n".join(honest),
        "data/orders.jsonl": "\n".join(orders),
        "train.jsonl": "\n".join(honest[:100]),
        "held.jsonl": "\n".join(honest[99:120]),
        "sharegpt.json": called(),
        "questions.csv": "pytanie;odpowiedź;źródło\nCzy macie miód?;Cześć! Tak, od lipca.;sklep\n",
    }
    old = "Czy macie miód lipowy?;Cześć! Tak, od lipca. Zażółć gęślą jaźń.\r\n"
    (folder / "data").mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text + "\n", "utf-8")
    (folder / "old.csv").write_bytes(f"pytanie;odpowiedź\r\n{old}{old}".encode("cp1250"))
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(ENGLISH.read_bytes()))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop's folder, which is the working folder too."""
    for name in ("NO_COLOR", "TUNECTL_ENV", "TUNECTL_IN_AUTOMATION", "TUNECTL_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "sklep"
    fill(root)
    monkeypatch.chdir(root)
    return root


@dataclass(frozen=True)
class Shown:
    """A command of a page: what it reads from standard input, its exit code, what is printed."""

    args: tuple[str, ...]
    stdin: str
    code: int
    printed: tuple[str, ...]


def commands(text: str) -> Iterator[Shown]:
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *printed = piece.splitlines()
            command, _, said = line.partition("  # exit ")
            command, _, stdin = command.partition(" < ")
            yield Shown(tuple(shlex.split(command)[1:]), stdin, int(said or 0), tuple(printed))


def prints(printed: tuple[str, ...]) -> str:
    """A pattern of an output in which `…` stands for any lines."""
    return "".join("(?:.*\n)*?" if one == "…" else re.escape(one) + "\n" for one in printed)


ALL = [one for text in (PAGE, DATA) for one in commands(text) if one.args[0] == "dataset"]


@pytest.mark.parametrize("shown", ALL, ids=lambda one: " ".join(one.args))
def test_every_command_ends_and_prints_as_shown(
    shown: Shown, project: Path, tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shown.stdin:
        content = io.BytesIO((project / shown.stdin).read_bytes())
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content, "utf-8"))
    result = tunectl(*shown.args)
    assert result.code == shown.code, result.err
    if shown.printed:
        assert re.fullmatch(prints(shown.printed), result.out + result.err), (
            f"{result.out}{result.err}"
        )


def test_both_pages_show_commands() -> None:
    assert {one.args[1] for one in commands(PAGE)} >= {
        "check", "convert", "fix", "rules", "split", "stats",
    }  # fmt: skip
    assert [one.args[:2] for one in commands(DATA)] == [("dataset", "check")]


def settings() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("said", [one for one in settings() if "jobs:" not in one])
def test_every_declaration_is_valid(said: str, project: Path, tunectl: Run) -> None:
    (project / "tunectl.yaml").write_text(f"project: shop\nstate: state/\n{said}", "utf-8")
    result = tunectl("validate")
    assert result.code == Exit.DONE, result.err


def test_the_workflow_writes_what_code_scanning_takes(project: Path, tunectl: Run) -> None:
    [flow] = [yaml.safe_load(one) for one in settings() if "jobs:" in one]
    steps = flow["jobs"]["check"]["steps"]
    [line] = [one["run"] for one in steps if "dataset check" in one.get("run", "")]
    (project / "tunectl.yaml").write_text(PROJECT.replace("rows.jsonl", "support.jsonl"), "utf-8")
    result = tunectl(*shlex.split(line)[1:])
    assert result.code == Exit.REFUSED
    [name] = [one["with"]["sarif_file"] for one in steps if "with" in one and "if" in one]
    found = json.loads((project / name).read_text("utf-8"))["runs"][0]["results"]
    assert {"empty-content", "personal-data"} <= {one["ruleId"] for one in found}
    assert [one["ruleId"] for one in found if not one.get("locations")] == []


def table(head: str) -> list[list[str]]:
    """The rows of the table whose head begins so, their cells without blanks around."""
    lines = PAGE[PAGE.index(f"| {head} |") :].split("\n\n", 1)[0].splitlines()[2:]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|").strip())] for line in lines
    ]


def names(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_the_shapes_are_those_that_are_read_in_their_order() -> None:
    rows = table("shape")
    assert [names(one[0])[0] for one in rows] == list(shape_names())
    for name, told, method in rows:
        shape = shape_named(names(name)[0])
        if shape is not None and shape.name not in ("openai-chat", "reinforcement"):
            assert told.startswith(shape.evidence), name
        assert shape is None or method == shape.method


def test_the_formats_are_those_that_are_written() -> None:
    [said] = re.findall(r"Formats: ([^.]*)\.", PROSE)
    assert names(said) == list(FORMATS)
    [said] = re.findall(r"preference can be written as ([^.]*)\.", PROSE.replace("\n", " "))
    assert names(said) == [
        name for name, one in FORMATS.items() if "preference" in one.of and name != "openai-chat"
    ]


def lost_in() -> dict[str, set[str]]:
    """For each kind of loss the formats of chats that note it, by the cases of the losses' test."""
    found: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for name, one in FORMATS.items():
        for _, row in LOSSY.values() if "supervised" in one.of else ():
            losses = Losses()
            losses.begin("a.jsonl:1")
            try:
                one.of["supervised"](json.loads(json.dumps(row)), losses)
            except UnreadableRowError:
                continue
            for kind in losses.found:
                found[kind].add(name)
    return found


def test_the_losses_are_those_there_are_each_in_its_formats() -> None:
    rows = {names(one[0])[0]: one for one in table("`--allow-loss`")}
    assert list(rows) == list(KINDS)
    chats = {name for name, one in FORMATS.items() if "supervised" in one.of}
    for kind, formats in lost_in().items():
        _, what, where = rows[kind]
        assert what == KINDS[kind]
        if kind != "rejected":  # of preferences
            others = chats - {"openai-chat"}
            said = {"all but OpenAI's": others, "all but `reinforcement`": chats}
            assert said.get(where, set(names(where))) == formats, kind


def test_the_providers_are_those_with_rules() -> None:
    [said] = re.findall(r"Rules are known for ([^,]*,[^.]*?), each with", PROSE.replace("\n", " "))
    assert set(names(said)) == set(providers_with_rules())


def test_the_rules_asked_with_all_are_named() -> None:
    [row] = [one for one in table("asked") if one[0] == "with `--all`"]
    assert set(names(row[1])) == {r.name for r in RULES.values() if r.level is Level.ALL}


def test_every_rule_that_is_named_exists() -> None:
    """A word with a hyphen is a rule, or something else that there is."""
    fixing = "".join(
        path.read_text("utf-8") for path in (ROOT / "tunectl" / "data" / "fixing").glob("*.py")
    )
    edits = {name for row in table("edit") for name in names(row[0])}
    assert [name for name in edits if f'"{name}"' not in fixing] == []
    others = {*shape_names(), *FORMATS, *KINDS, *providers_with_rules(), *edits, "gpt-4.1-mini"}
    hyphened = {one for one in names(PROSE) if re.fullmatch(r"[a-z]+(-[a-z]+)+", one)}
    assert {"near-duplicate-search", "personal-data", "split-overlap"} <= hyphened
    assert [one for one in hyphened if one not in others and not rules_called(one)] == []
    asked = {one for row in table("asked") for one in names(row[1]) if re.fullmatch("[a-z-]+", one)}
    assert [one for one in asked - {"group"} if one not in RULES] == []


def test_every_link_leads_somewhere() -> None:
    for text, folder in ((PAGE, ROOT / "docs"), (DATA, ROOT)):
        links = re.findall(r"\]\(([^)#]+)\)", text)
        assert links
        assert [one for one in links if not (folder / one).exists()] == []
