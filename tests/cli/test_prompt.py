"""`prompt render`, `run`, `chat`: the real commands, with the pretended Anthropic on loopback."""

from __future__ import annotations

import codecs
import contextlib
import io
import json
import os
import pty
import re
import select
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tunectl.core.errors import Exit
from tunectl.server.clouds.anthropic import Anthropic
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.wire import Answered
from tunectl.server.clouds.world import Fault, World

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
CONFIG = """\
project: helpdesk
providers:
  claude: {type: anthropic, base_url: "URL"}
prices:
  claude: {claude-haiku-5-5: {input: 1 USD, cached_input: 0.10 USD, output: 5 USD}}

memory:
  customers:
    profile:
      name: {type: string, inject: true, personal: true}

prompt_template:
  support:
    model: claude-haiku-5-5
    memory: memory.customers
    inputs:
      question: string
      language: {type: string, default: pl}
    sections:
      - id: system
        role: system
        template: "Odpowiadaj po {{ language }}."
        cache: {breakpoint: true}
      - {id: profile, role: profile}
      - {id: history, role: history, max_tokens: 4000, overflow: drop_oldest_turns}
      - {id: ask, role: user, template: "{{ question }}"}
  documents:
    model: claude-haiku-5-5
    inputs: {question: string}
    citations: true
    sections:
      - {id: docs, role: documents, knowledge_base: knowledge_base.manual}
      - {id: ask, role: user, template: "{{ question }}"}
  classify:
    model: claude-haiku-5-5
    inputs: {text: string, words: list, times: {type: integer, default: 1}}
    sections:
      - id: ask
        role: user
        template: "{{ text }} {{ words | join(', ') }} {{ times }}"
    output:
      schema:
        type: object
        properties: {label: {type: string, enum: [zwrot, reklamacja]}, sure: {type: number}}
        required: [label, sure]
        additionalProperties: false
  spoken:
    for_each: [pl, ru]
    model: claude-haiku-5-5
    inputs: {question: string}
    sections:
      - {id: ask, role: user, template: "{{ question }}"}

knowledge_base:
  manual: {provider: local, sources: [docs/*.md]}
"""


@pytest.fixture
def world() -> World:
    return World(clock=lambda: NOW)


@pytest.fixture
def cloud(world: World, monkeypatch: pytest.MonkeyPatch) -> Anthropic:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("anthropic._base_client.MAX_RETRY_DELAY", 0.001)
    return Anthropic(world)


@pytest.fixture
def asked(cloud: Anthropic) -> list[dict]:
    """The bodies that the service was sent."""
    found, answer = [], cloud.answer

    def remembering(request):
        if request.path == "/v1/messages":
            found.append(request.json())
        return answer(request)

    cloud.answer = remembering
    return found


@pytest.fixture(autouse=True)
def declared(project: Path, cloud: Anthropic, world: World):
    """The project, with prompts for Claude and a document."""
    with serving(cloud, world) as url:
        text = CONFIG.replace("URL", url)
        text = text.replace("providers:\n", "providers:\n  local: {trainer: simulated}\n")
        (project / "tunectl.yaml").write_text(text, "utf-8")
        (project / "tunectl.prod.yaml").unlink()
        (project / "docs").mkdir()
        (project / "docs" / "zwroty.md").write_text("# Zwroty\n\nZwrot w 14 dni.\n", "utf-8")
        yield project


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_render_prints_what_is_sent_and_nothing_is_applied_or_sent(
    tunectl: Run, project: Path, asked: list
) -> None:
    result = tunectl("prompt", "render", "support", "Gdzie jest żółw?")
    assert result.code == Exit.DONE
    body = result.json
    assert body["system"][0]["text"] == "Odpowiadaj po pl."
    assert body["system"][0]["cache_control"]["type"] == "ephemeral"
    assert body["messages"][-1]["content"][-1]["text"] == "Gdzie jest żółw?"
    assert "żółw" in result.out
    assert "tokens (estimated)" in result.err
    assert asked == []
    assert not (project / "state").exists()


def test_run_sends_what_render_printed(tunectl: Run, asked: list) -> None:
    rendered = tunectl("prompt", "render", "support", "Где посылка?").json
    result = tunectl("prompt", "run", "support", "Где посылка?")
    assert result.code == Exit.DONE, result
    assert result.out.endswith("Где посылка?\n")
    assert {k: v for k, v in asked[0].items() if k not in {"model", "stream"}} == rendered
    assert asked[0]["model"] == "claude-haiku-5-5"
    assert " in, " in result.err
    assert " USD" in result.err


@pytest.mark.parametrize("wanted", ["openai", "gemini", "bedrock", "claude", "local"])
def test_every_dialect_can_be_looked_at(tunectl: Run, wanted: str) -> None:
    result = tunectl("prompt", "render", "support", "Cześć", "--for", wanted, "--format", "json")
    assert result.code == Exit.DONE, result
    tree = result.json
    assert tree["dialect"] == {"claude": "anthropic", "local": "openai"}.get(wanted, wanted)
    assert "Cześć" in json.dumps(tree["body"], ensure_ascii=False)
    assert [one["id"] for one in tree["sections"]] == ["system", "profile", "history", "ask"]


def test_what_is_misspelt_is_told_with_the_nearest_name(tunectl: Run) -> None:
    for arguments, near in (
        (("render", "suport", "?"), "support"),
        (("render", "support", "--input", "qestion=?"), "question"),
        (("render", "support", "?", "--for", "antropic"), "anthropic"),
        (("run", "support", "?", "--provider", "claud"), "claude"),
    ):
        result = tunectl("prompt", *arguments)
        assert result.code == Exit.ERROR
        assert f"did you mean `{near}`?" in result.err


def test_all_missing_inputs_are_told_at_once(tunectl: Run) -> None:
    result = tunectl("prompt", "run", "classify")
    assert result.code == Exit.ERROR
    assert "needs the input `text`" in result.err
    assert "needs the input `words`" in result.err
    assert "times" not in result.err


def test_inputs_have_their_types(tunectl: Run, project: Path) -> None:
    (project / "in.yaml").write_text("text: z pliku\nwords: [a]\ntimes: 3\n", "utf-8")
    given = ("--input-file", "in.yaml", "--input", "words=b", "--input", "words=ć")
    body = tunectl("prompt", "render", "classify", *given).json
    assert body["messages"][0]["content"][0]["text"] == "z pliku b, ć 3"
    result = tunectl("prompt", "render", "classify", "--input", "times=tajne", "--input", "text=x")
    assert "input `times` must be a whole number" in result.err
    assert "tajne" not in result.err


def test_a_dash_reads_standard_input(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch, asked: list
) -> None:
    typed(monkeypatch, "Gdzie paczka?\nNumer 7.\n")
    assert tunectl("prompt", "run", "support", "-").code == Exit.DONE
    assert asked[0]["messages"][-1]["content"][-1]["text"] == "Gdzie paczka?\nNumer 7."


def test_an_empty_question_is_not_sent(tunectl: Run, asked: list) -> None:
    result = tunectl("prompt", "run", "support", " ")
    assert result.code == Exit.ERROR
    assert "the question is empty" in result.err
    assert asked == []


def test_keys_are_chosen_in_brackets(tunectl: Run) -> None:
    for name in ('spoken["pl"]', "spoken[pl]", 'prompt_template.spoken["ru"]'):
        assert tunectl("prompt", "render", name, "Привет").code == Exit.DONE
    result = tunectl("prompt", "render", "spoken", "Привет")
    assert result.code == Exit.ERROR
    assert 'spoken["pl"]' in result.err


def test_a_profile_comes_from_a_file_or_from_the_memory(tunectl: Run, project: Path) -> None:
    (project / "kto.json").write_text('{"name": "Anna <b>"}', "utf-8")
    given = ("--profile-file", "kto.json", "--user", "anna")
    body = tunectl("prompt", "render", "support", "?", *given).json
    assert "Anna &lt;b&gt;" in body["system"][1]["text"]


def test_what_is_searched_must_be_built_or_given(tunectl: Run, project: Path, asked: list) -> None:
    refused = tunectl("prompt", "run", "documents", "Ile dni?")
    assert refused.code == Exit.ERROR
    assert "`knowledge_base.manual` is not built yet" in refused.err
    passages = [{"text": "Zwrot w 14 dni & gratis.", "source": "zwroty.md", "title": "Zwroty"}]
    (project / "p.json").write_text(json.dumps(passages), "utf-8")
    result = tunectl("prompt", "run", "documents", "Ile dni?", "--documents", "p.json")
    assert result.code == Exit.DONE, result
    assert "[1] " in result.err
    assert "“Zwrot w 14 dni & gratis.”" in result.err


def test_a_structured_answer_is_checked(tunectl: Run, cloud: Anthropic) -> None:
    given = ("classify", "--input", "text=Oddaję", "--input", "words=a")
    result = tunectl("prompt", "run", *given)
    assert result.code == Exit.DONE, result
    assert json.loads(result.out) == {"label": "zwrot", "sure": 0}
    answer = cloud.answer

    def lying(request):
        if request.path == "/v1/messages":
            answered = answer(request)
            sent = b"".join(answered.pieces).replace(b"zwrot", b"niczyj")
            return Answered(200, sent, answered.headers)
        return answer(request)

    cloud.answer = lying
    wrong = tunectl("prompt", "run", *given)
    assert wrong.code == Exit.ERROR
    assert "does not fit the schema at `$.label`" in wrong.err
    assert "niczyj" not in wrong.err


def test_json_lines_tell_the_answer_its_sources_and_its_cost(tunectl: Run, project: Path) -> None:
    (project / "p.jsonl").write_text('{"text": "Zwrot w 14 dni."}\n', "utf-8")
    result = tunectl("prompt", "run", "documents", "Ile?", "--documents", "p.jsonl", "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert lines[0]["type"] == "prompt_start"
    assert lines[-1]["type"] == "prompt_end"
    said = "".join(line["text"] for line in lines if line["type"] == "prompt_text")
    assert said == lines[-1]["text"]
    cited = [line["citation"] for line in lines if line["type"] == "prompt_citation"]
    assert cited[0]["text"] == "Zwrot w 14 dni."
    usage = lines[-1]["usage"]
    assert usage["cost"]["known"]
    counted = usage["prompt_tokens"] + 5 * usage["completion_tokens"]
    assert float(usage["cost"]["high"]) == pytest.approx(counted / 1e6)
    assert "Ile?" not in json.dumps(lines[0])


def test_a_chat_keeps_its_turns_in_the_memory(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch, asked: list
) -> None:
    typed(monkeypatch, "Cześć!\nCo mówiłem?\n/tokens\n/exit\nnie pytaj\n")
    result = tunectl("prompt", "chat", "support", "--user", "anna@example.com", "--session", "s1")
    assert result.code == Exit.DONE, result
    assert len(asked) == 2
    roles = [one["role"] for one in asked[1]["messages"]]
    assert roles == ["user", "assistant", "user"]
    assert "Cześć!" in json.dumps(asked[1]["messages"][0], ensure_ascii=False)
    assert "turn 2: " in result.err
    assert "2 turns: " in result.err
    assert "history" in result.err
    typed(monkeypatch, "A teraz?\n")
    tunectl("prompt", "chat", "support", "--user", "anna@example.com", "--session", "s1")
    assert len(asked[2]["messages"]) == 5
    typed(monkeypatch, "A ja?\n")
    tunectl("prompt", "chat", "support", "--user", "boris", "--session", "s1")
    assert len(asked[3]["messages"]) == 1


def test_a_user_that_nothing_is_read_of_is_noted(tunectl: Run) -> None:
    nobody = tunectl("prompt", "render", "classify", "a", "--input", "words=b", "--user", "anna")
    assert "the template has no `memory`" in nobody.err
    alone = tunectl("prompt", "render", "support", "a", "--session", "s1")
    assert "without `--user` no conversation is read" in alone.err
    whole = tunectl("prompt", "render", "support", "a", "--user", "anna", "--session", "s1")
    assert "--user" not in whole.err


def test_a_chat_is_gone_on_with_only_where_something_was_said(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = ("prompt", "chat", "support", "--user", "anna")
    typed(monkeypatch, "Raz\n")
    said = tunectl(*chat)
    assert "go on with `--session " in said.err
    assert "session" not in said.out  # which has the answers alone
    typed(monkeypatch, "Raz\n/reset\n/exit\n")
    assert "go on with" not in tunectl(*chat).err


def test_a_chat_says_once_that_the_cost_is_unknown(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch, project: Path
) -> None:
    path = project / "tunectl.yaml"
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"(?m)^prices:.*\n(  .*\n)*", "", text), "utf-8")
    typed(monkeypatch, "Raz\nDwa\nTrzy\n")
    said = tunectl("prompt", "chat", "support").err
    assert "3 turns: " in said
    assert said.count("unknown") == 1


def test_a_chat_without_a_user_is_kept_while_it_runs(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch, asked: list
) -> None:
    typed(monkeypatch, "Raz\nDwa\n/reset\nTrzy\n")
    result = tunectl("prompt", "chat", "support")
    assert "kept while this runs" in result.err
    assert [len(one["messages"]) for one in asked] == [1, 3, 1]


def test_a_failed_answer_ends_a_chat_of_a_pipe_and_is_not_kept(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch, world: World, asked: list
) -> None:
    chat = ("prompt", "chat", "support", "--user", "anna", "--session", "s2")
    world.faults.append(Fault("lost", "POST", "/v1/messages", times=9))
    typed(monkeypatch, "Raz\nDwa\n")
    assert tunectl(*chat).code == Exit.ERROR
    world.faults.clear()
    asked.clear()
    typed(monkeypatch, "Trzy\n")
    assert tunectl(*chat).code == Exit.DONE
    assert len(asked[0]["messages"]) == 1


def test_an_interrupted_answer_is_kept_as_far_as_it_came(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch, asked: list
) -> None:
    from tunectl.cli.screen import Screen

    put, shown = Screen._put, []

    def interrupted(self, stream, text):
        put(self, stream, text)
        shown.append(text)
        if "simulated" in text and stream is self.out and len(asked) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(Screen, "_put", interrupted)
    typed(monkeypatch, "Opowiedz długo, proszę.\nI co dalej?\n")
    result = tunectl("prompt", "chat", "support")
    assert result.code == Exit.DONE, result
    assert "Ctrl-C again ends the chat" in result.err
    assert "; what was interrupted is not counted\n" in result.err
    before = asked[1]["messages"][1]
    assert before["role"] == "assistant"
    assert before["content"][0]["text"].startswith("[claude-haiku-5-5, simulated,")
    assert "proszę" not in before["content"][0]["text"]


def test_two_interruptions_end_a_chat(tunectl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nobody(io.StringIO):
        def readline(self, *_: object) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Nobody())
    assert tunectl("prompt", "chat", "support").code == Exit.INTERRUPTED


def test_on_a_terminal_control_c_twice_ends_a_chat_and_an_error_does_not(project: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project)
        os.environ.update({"TERM": "dumb", "COLUMNS": "100"})
        os.execv(sys.executable, [sys.executable, "-m", "tunectl", "prompt", "chat", "support"])
    shown, decoder = "", codecs.getincrementaldecoder("utf-8")()
    ready = select.poll()  # unlike `select`, whatever the number of the descriptor
    ready.register(terminal, select.POLLIN | select.POLLHUP)

    def until(text: str) -> None:
        nonlocal shown
        while text not in shown:
            assert ready.poll(120_000), f"no {text!r} after {shown!r}"
            shown += decoder.decode(os.read(terminal, 65536))
        shown = shown.partition(text)[2]

    try:
        until("> ")
        os.write(terminal, b"/profile\n")
        until("error: there is no profile")
        until("> ")
        os.write(terminal, "Jesteś?\n".encode())
        until("turn 1: ")
        until("> ")
        # The empty line wakes a readline that was interrupted before it began to wait.
        os.write(terminal, b"\x03\n")
        until("Ctrl-C again ends the chat")
        until("> ")
        os.write(terminal, b"\x03\n")
        with contextlib.suppress(OSError):  # the end of a terminal whose program has ended
            until("what is never said")
    finally:
        os.close(terminal)  # what still runs is hung up
        _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == Exit.INTERRUPTED


LINTED = """\
project: helpdesk
prompt_template:
  dated:
    model: gpt-4.1-mini
    inputs: {question: string, day: string, unused: string}
    sections:
      - {id: system, role: system, template: "Dziś jest {{ day }}. Odpowiadaj krótko."}
      - {id: ask, role: user, template: "{{ question }}"}
    tests:
      - name: pierwszy
        inputs: {question: "Co słychać?", day: dziś, unused: x}
        expect: {contains: ["Co słychać?"], not_contains: ["jutro"], max_prompt_tokens: 100}
  sound:
    model: gpt-4.1-mini
    inputs: {question: string}
    sections:
      - {id: system, role: system, template: "Odpowiadaj krótko."}
      - {id: ask, role: user, template: "{{ question }}"}
"""


def test_lint_holds_no_floor_of_a_cache_against_what_our_own_server_is_sent(
    tunectl: Run, project: Path
) -> None:
    text = LINTED.replace('krótko."}', 'krótko.", cache: {breakpoint: true}}', 2)
    said = text.replace("project: helpdesk", "project: helpdesk\nproviders: {here: {type: TYPE}}")
    (project / "tunectl.yaml").write_text(said.replace("TYPE", "openai"), "utf-8")
    assert "cached prefix" in tunectl("prompt", "lint", "sound").out
    (project / "tunectl.yaml").write_text(said.replace("TYPE", "local"), "utf-8")
    result = tunectl("prompt", "lint", "sound")
    assert result.code == Exit.DONE, result
    assert "cached prefix" not in result.out


def test_lint_says_what_spoils_the_cache_and_runs_the_tests(tunectl: Run, project: Path) -> None:
    (project / "tunectl.yaml").write_text(LINTED, "utf-8")
    result = tunectl("prompt", "lint")
    assert result.code == Exit.DONE, result
    assert "section `system` is declared `static` and changes at each turn" in result.out
    assert "tunectl.yaml:7:9" in result.out
    assert result.out.count("`unused`") == 1
    assert "dated: " in result.out
    assert "1 test" in result.out
    assert "sound: " in result.out
    assert "dated" not in tunectl("prompt", "lint", "sound").out
    assert tunectl("prompt", "lint", "--strict").code == Exit.REFUSED


def test_a_failed_test_of_a_prompt_refuses(tunectl: Run, project: Path) -> None:
    broken = LINTED.replace('not_contains: ["jutro"]', 'not_contains: ["Dziś"]')
    (project / "tunectl.yaml").write_text(broken, "utf-8")
    result = tunectl("prompt", "lint", "dated", "--format", "json")
    assert result.code == Exit.REFUSED
    [error] = [one for one in result.json["diagnostics"] if one["severity"] == "error"]
    assert error["summary"] == "test `pierwszy`: the prompt contains `Dziś`"
    assert error["range"]["start"]["line"] == 10
    assert result.json["prompts"][0]["tests"] == 1
    assert result.json["prompts"][0]["stable_prefix"] < 0.5
    annotated = tunectl("prompt", "lint", "--format", "github")
    assert "::error file=tunectl.yaml,line=10" in annotated.out
    sarif = tunectl("prompt", "lint", "--format", "sarif").json
    assert {one["level"] for one in sarif["runs"][0]["results"]} >= {"error", "warning"}


def test_a_prompt_that_asks_otherwise_than_was_taught_is_a_finding(
    tunectl: Run, project: Path
) -> None:
    rows = [
        {
            "messages": [
                {"role": "system", "content": "Jesteś działem wsparcia."},
                {"role": "user", "content": f"Pytanie {number}?"},
                {"role": "assistant", "content": f"Odpowiedź {number}."},
            ]
        }
        for number in range(20)
    ]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (project / "data" / "support.jsonl").write_text(lines, "utf-8")
    (project / "tunectl.yaml").write_text(
        """\
project: helpdesk
default_provider: local
providers: {local: {trainer: simulated}}
dataset: {support: {source: data/support.jsonl}}
tuning_job: {support: {base_model: simulated-1, data: dataset.support}}
prompt_template:
  support:
    model: tuning_job.support
    inputs: {question: string}
    sections:
      - {id: system, role: system, template: "Jesteś poetą."}
      - {id: ask, role: user, template: "{{ question }}"}
""",
        "utf-8",
    )
    result = tunectl("prompt", "lint", "--format", "github")
    assert result.code == Exit.REFUSED
    assert "title=other-system" in result.out


def test_an_export_is_plain_json_and_says_where_jinja_is_needed(
    tunectl: Run, project: Path
) -> None:
    result = tunectl("prompt", "export", "support", "--for", "anthropic", "-o", "prompt.json")
    assert result.code == Exit.DONE, result
    tree = json.loads((project / "prompt.json").read_text("utf-8"))
    assert tree["model"] == "claude-haiku-5-5"
    assert "Odpowiadaj po " in json.dumps(tree, ensure_ascii=False)
    assert tunectl("prompt", "export", "support", "--for", "openai").json != tree
    refused = tunectl("prompt", "export", "classify", "--for", "openai")
    assert refused.code == Exit.ERROR
    assert "section `ask`" in refused.err
    carried = tunectl("prompt", "export", "classify", "--for", "openai", "--carry-jinja")
    assert carried.json["needs"] == ["jinja"]


def test_an_applied_knowledge_base_is_searched_by_run_and_render(
    tunectl: Run, project: Path, asked: list
) -> None:
    path = project / "tunectl.yaml"
    path.write_text(
        path.read_text("utf-8").replace(
            "sources: [docs/*.md]", "sources: [docs/*.md], embedding: {model: none}"
        ),
        "utf-8",
    )
    applied = tunectl("apply", "--auto-approve")
    assert applied.code == Exit.DONE, applied
    rendered = tunectl("prompt", "render", "documents", "Ile dni na zwrot?")
    assert rendered.code == Exit.DONE, rendered
    assert "Zwrot w 14 dni." in rendered.out
    result = tunectl("prompt", "run", "documents", "Ile dni na zwrot?")
    assert result.code == Exit.DONE, result
    assert "Zwrot w 14 dni." in json.dumps(asked[-1], ensure_ascii=False)
    assert "zwroty.md" in result.err


def test_a_long_conversation_is_summed_up_by_the_named_model(
    tunectl: Run, monkeypatch: pytest.MonkeyPatch, project: Path, asked: list
) -> None:
    path = project / "tunectl.yaml"
    path.write_text(
        path.read_text("utf-8").replace(
            "max_tokens: 4000, overflow: drop_oldest_turns",
            "max_tokens: 220, overflow: summarize, summarize_by: claude-sonnet-5-5",
        ),
        "utf-8",
    )
    lines = [f"Opowiedz o żółwiu numer {number}, proszę bardzo." for number in range(8)]
    typed(monkeypatch, "\n".join(lines))
    chat = ("prompt", "chat", "support", "--user", "anna", "--session", "długa")
    result = tunectl(*chat)
    assert result.code == Exit.DONE, result
    bought = [one for one in asked if one["model"] == "claude-sonnet-5-5"]
    assert bought
    assert "Summarise the conversation" in json.dumps(bought[0]["system"])
    assert len(bought) < len(lines)
