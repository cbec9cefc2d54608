"""Names that rows bring along (keys, columns, roles, ids, types) are data: none is shown."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import CONFIG, Run
from tunectl.data.excerpt import masked
from tunectl.data.sensitive.names import MASKED, shown_name

PLANTED = (
    "44051401359",
    "anna.kowalska@firma-xyz.pl",
    "4539578763621486",
    "sk-proj-Zx81kQv7Lm3RtY9pWc5Nb2Hd",
    "Jan Kowalski",
)
USER, ASSISTANT = {"role": "user", "content": "Cześć"}, {"role": "assistant", "content": "Tak"}


def _chat(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": list(messages or (USER, ASSISTANT)), **more}


def _call(id_: str, **arguments: Any) -> dict[str, Any]:
    function = {"name": "f", "arguments": json.dumps(arguments)}
    return {
        "role": "assistant",
        "tool_calls": [{"id": id_, "type": "function", "function": function}],
    }


def _pair(name: str) -> dict[str, Any]:
    asked = {"messages": [USER], name: 1}
    return {"input": asked, "preferred_output": [ASSISTANT], "non_preferred_output": [], name: 2}


def _table(*rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


CHATS = [_chat({**USER, "content": f"Pytanie {n}"}, ASSISTANT) for n in range(12)]
FILES = {
    "headless.csv": _table([*PLANTED, "x"], ["a", "b", "c", "d", "e", "f"]),
    "twice.csv": _table(["Jan Kowalski", "Jan Kowalski"], ["a", "b"]),
    "mail.csv": _table([PLANTED[1], PLANTED[1]], ["a", "b"]),
    "keys.jsonl": _lines(*CHATS, *(_chat(**{name: "x"}) for name in PLANTED)),
    "inner.jsonl": _lines(*CHATS, *(_chat({**USER, name: 1}, ASSISTANT) for name in PLANTED)),
    "deep.jsonl": _lines(*CHATS, *(_chat(tools=[{name: "x\u200b"}]) for name in PLANTED)),
    "unknown.jsonl": _lines(*({name: "x", "y": 1} for name in PLANTED)),
    "mixed.jsonl": _lines(*CHATS, *({name: "x", "y": 1} for name in PLANTED)),
    "twice.jsonl": "".join(
        f'{{"messages": [], "{name}": 1, "{name}": {value}}}\n'
        for name in PLANTED
        for value in (1, 2)
    ),
    "roles.jsonl": _lines(*CHATS, *(_chat({**USER, "role": n}, ASSISTANT) for n in PLANTED)),
    "weights.jsonl": _lines(*(_chat(USER, {**ASSISTANT, "weight": n}) for n in PLANTED)),
    "numbers.jsonl": _lines(*CHATS, _chat(USER, {**ASSISTANT, "weight": 44051401359})),
    "sharegpt.jsonl": _lines(
        *(
            {"conversations": [{"from": n, "value": "a"}, {"from": "gpt", "value": "b"}]}
            for n in PLANTED
        )
    ),
    "ids.jsonl": _lines(
        *CHATS,
        *(
            _chat(USER, _call("c1"), {"role": "tool", "tool_call_id": n, "content": "x"})
            for n in PLANTED
        ),
        *(_chat(USER, _call(n), USER, ASSISTANT) for n in PLANTED),
    ),
    "parts.jsonl": _lines(
        *CHATS, *(_chat({**USER, "content": [{"type": n, n: 1}]}, ASSISTANT) for n in PLANTED)
    ),
    "pairs.jsonl": _lines(*map(_pair, PLANTED)),
    "graded.jsonl": _lines(*({"messages": [USER], "id": 1, name: 2} for name in PLANTED)),
    "indented.json": json.dumps({PLANTED[1]: [CHATS[0]]}, indent=2),
    "broken.jsonl": "".join(f'{{"messages": [], "{name}": nul}}\n' for name in PLANTED),
}
FOR = (
    "--for",
    "openai:gpt-4.1-mini",
    "--for",
    "azure",
    "--for",
    "bedrock:anthropic.claude-3-haiku",
)
COMMANDS: tuple[tuple[str, ...], ...] = (
    *(
        ("check", "FILE", "--all", *FOR, "--format", f)
        for f in ("human", "json", "sarif", "github")
    ),
    ("check", "FILE", "--syntax-only"),
    *(("stats", "FILE", *FOR, "--format", f) for f in ("human", "json")),
    ("split", "FILE", "--test", "30%", "-o", "out", "--force"),
    ("split", "FILE", "--test", "30%", "-o", "out", "--force", "--group", "grupa"),
    *(
        ("convert", "FILE", "--to", f, "-o", "o.x", "--force")
        for f in ("openai-chat", "gemini", "csv")
    ),
    (
        "convert",
        "FILE",
        "--to",
        "csv",
        "--columns",
        "input=pytanie,output=b",
        "-o",
        "o.x",
        "--force",
    ),
    ("fix", "FILE", "--dry-run"),
    ("fix", "FILE", "--dry-run", "--json", "--columns", "input=pytanie,output=b"),
    ("diff", "good.jsonl", "FILE", "--keys", "numer"),
    ("diff", "good.jsonl", "FILE", *FOR, "--format", "json"),
)


@pytest.mark.parametrize("name", FILES)
def test_no_command_shows_a_name_that_is_a_persons_data_or_a_secret(
    name: str, project: Path, tunectl: Run
) -> None:
    Path(name).write_text(FILES[name], "utf-8")
    Path("good.jsonl").write_text(_lines(*CHATS), "utf-8")
    for command in COMMANDS:
        result = tunectl("dataset", *(name if word == "FILE" else word for word in command))
        _nothing_of_it(result.out + result.err, command)


@pytest.mark.parametrize("name", FILES)
def test_a_plan_shows_none_either(name: str, project: Path, tunectl: Run) -> None:
    Path("tunectl.yaml").write_text(CONFIG.replace("data/support.jsonl", name), "utf-8")
    Path(name).write_text(FILES[name], "utf-8")
    for command in (("plan",), ("plan", "--json"), ("validate",)):
        result = tunectl(*command)
        _nothing_of_it(result.out + result.err, command)


def _nothing_of_it(shown: str, command: tuple[str, ...]) -> None:
    for planted in (*PLANTED, *PLANTED[1].split("@"), "Kowalski", "Zx81kQv7"):
        assert planted not in shown, command
    assert shown.strip(), command
    assert "a bug of its own" not in shown, command


@pytest.mark.parametrize(
    "name", [*PLANTED, "Treść pytania", "x" * 41, "+48 600-700-801", "a\nb", ""]
)
def test_what_may_be_a_text_is_masked(name: str) -> None:
    assert shown_name(name) == (MASKED if name else "")


@pytest.mark.parametrize(
    "name", ["messages", "źródło", "customer_id", "asystent", "id", "call_12", "x" * 40]
)
def test_ordinary_names_are_shown(name: str) -> None:
    assert shown_name(name) == name


def test_an_excerpt_shows_ordinary_keys_only() -> None:
    text = masked('{"role": "user", "Jan Kowalski": "Anna", "dział": "Jan Kowalski"}')
    assert text == '{"role": "user", "••• ••••••••": "••••", "dział": "••• ••••••••"}'
