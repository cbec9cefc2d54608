"""What a prompt template becomes: what is said and nothing more, and one version of it."""

from __future__ import annotations

import hashlib

import pytest

from tests.config.making import loaded, problems, project, resources
from tunectl.config.prompt_source import FORBIDDEN, LARGEST
from tunectl.core.value import Ref, canonical
from tunectl.prompts import bounded

HEAD = """
project: sklep
default_provider: local
providers:
  local: {}
  claude: {type: anthropic}
dataset:
  support: {source: data/rows.jsonl, split: {test: 20%}}
memory:
  customers:
    profile:
      name: {type: string, max_chars: 80, inject: true}
      vip: {type: boolean}
    sessions: {expires_after: 90d, max_turns: 200}
"""

FORMER = """
prompt_template:
  support:
    model: gpt-4o
    inputs: {question: {type: string, max_chars: 8000}}
    sections:
      - {id: system, role: system, template: "Jesteś pomocnikiem."}
      - {id: shots, role: examples, examples: dataset.support.train, max: 2}
      - {id: ask, role: user, template: "{{ question }}"}
"""


def prompt(root, text, name="support", **files):
    return resources(project(root, HEAD + text, **files))[f"prompt_template.{name}"]


def sections(*lines, more="", inputs="{question: string}", model="gpt-4o"):
    body = "\n".join(f"      - {{{line}}}" for line in lines)
    return (
        f"prompt_template:\n  support:\n    model: {model}\n    memory: memory.customers\n"
        f"    inputs: {inputs}\n{more}    sections:\n{body}\n"
    )


def warnings(root, text, code, **files):
    found = loaded(project(root, HEAD + text, **files)).project.warnings
    return [d.summary for d in found if d.code == code]


def test_a_template_of_the_former_grammar_keeps_its_settings_and_its_version(tmp_path):
    found = prompt(tmp_path, FORMER)
    assert set(found.spec) == {"name", "format", "model", "inputs", "sections", "version"}
    shots = found.spec["sections"][1]
    assert set(shots) == {"id", "role", "examples", "max", "select"}
    assert found.spec["sections"][0] == {
        "id": "system",
        "role": "system",
        "template": "Jesteś pomocnikiem.",
    }
    parts = (found.spec["inputs"], found.spec["sections"])
    assert found.spec["version"] == hashlib.sha256(canonical(parts).encode()).hexdigest()


def test_what_goes_without_saying_is_not_said(tmp_path):
    text = sections(
        "id: a, role: system, template: x, volatility: static, overflow: error, max_tokens: 9",
        "id: b, role: history, volatility: per_turn",
        "id: ask, role: user, template: '{{ question }}', volatility: per_turn",
    )
    first, second, third = prompt(tmp_path, text).spec["sections"]
    assert first == {"id": "a", "role": "system", "template": "x", "max_tokens": 9}
    assert second == {"id": "b", "role": "history", "volatility": "per_turn"}
    assert "volatility" not in third


def test_every_rule_of_a_section_is_lowered(tmp_path):
    text = sections(
        "id: a, role: system, template: x, wrap: instructions, max_tokens: 90, "
        "overflow: truncate_middle, cache: {breakpoint: true}",
        "id: b, role: profile, as: user, max_tokens: 400",
        "id: c, role: history, max_tokens: 600, overflow: keep_ends, keep_last: 6",
        "id: ask, role: user, template: '{{ question }}'",
    )
    found = prompt(tmp_path, text).spec["sections"]
    assert found[0]["overflow"] == {"rule": "truncate_middle"}
    assert (found[0]["breakpoint"], found[0]["wrap"]) == (True, "instructions")
    assert found[1] == {"id": "b", "role": "profile", "as": "user", "max_tokens": 400}
    assert found[2]["overflow"] == {"rule": "keep_ends", "keep_first": 0, "keep_last": 6}


def test_who_sums_a_conversation_up_is_referred_to_and_no_part_of_the_version(tmp_path):
    line = "id: c, role: history, max_tokens: 600, overflow: summarize, summarize_by: {}"
    ask = "id: ask, role: user, template: '{{ question }}'"
    job = (
        "tuning_job:\n  t: {base_model: smollm2-135m-instruct, data: dataset.support}\n"
        "endpoint:\n  cheap: {model: tuning_job.t}\n"
    )
    one = prompt(tmp_path, job + sections(line.format("endpoint.cheap"), ask))
    rule = one.spec["sections"][0]["overflow"]
    assert isinstance(rule["by"]["model"], Ref)
    assert rule["by"]["base_url"].path == ("base_url",)
    other = prompt(tmp_path, sections(line.format("gpt-4o-mini"), ask))
    assert other.spec["sections"][0]["overflow"]["by"] == {"model": "gpt-4o-mini"}
    assert one.spec["version"] == other.spec["version"]


@pytest.mark.parametrize(
    "more",
    [
        "    output: {schema: {type: object, properties: {a: {type: string}}}}\n",
        "    budget: {context_tokens: 9000}\n",
        "    output: {schema: {type: object, properties: {b: {}, a: {type: string}}}}\n",
    ],
)
def test_what_shapes_the_text_is_in_the_version(tmp_path, more):
    lines = ["id: past, role: history", "id: ask, role: user, template: '{{ question }}'"]
    plain = prompt(tmp_path / "a", sections(*lines)).spec["version"]
    assert prompt(tmp_path / "b", sections(*lines, more=more)).spec["version"] != plain


def test_the_order_of_a_schema_is_a_change_for_the_answer_follows_it(tmp_path):
    line = "id: ask, role: user, template: '{{ question }}'"
    more = "    output: {{schema: {{type: object, properties: {{{}}}}}}}\n"
    one = sections(line, more=more.format("a: {}, b: {}"))
    two = sections(line, more=more.format("b: {}, a: {}"))
    versions = {prompt(tmp_path / k, t).spec["version"] for k, t in (("a", one), ("b", two))}
    assert len(versions) == 2


def test_how_long_providers_remember_and_where_is_no_part_of_the_version(tmp_path):
    line = "id: ask, role: user, template: '{{ question }}'"
    plain = prompt(tmp_path / "a", sections("id: s, role: system, template: x", line))
    kept = prompt(
        tmp_path / "b",
        sections("id: s, role: system, template: x", line, more="    cache: {ttl: 1h}\n"),
    )
    assert kept.spec["cache"] == {"ttl": "1h"}
    assert kept.spec["version"] == plain.spec["version"]


def test_a_memory_is_carried_with_its_schema_and_waited_for(tmp_path):
    text = sections("id: who, role: profile", "id: ask, role: user, template: '{{ question }}'")
    found = prompt(tmp_path, text)
    memory = found.spec["memory"]
    assert memory["name"] == "customers"
    assert memory["profile"]["name"]["inject"] is True
    assert memory["sessions"] == {"expires_after_s": 90 * 86400, "max_turns": 200}
    assert "memory.customers" in {str(need) for need in found.needs}


def test_included_files_are_carried_and_their_change_is_another_version(tmp_path):
    text = sections(
        "id: a, role: system, template: \"{% include 'prompts/a.md.j2' %}\"",
        "id: ask, role: user, template: '{{ question }}'",
        inputs="{question: string, ton: string}",
    )
    files = {
        "prompts/a.md.j2": "Zażółć\n{% include 'prompts/b.md.j2' %}",
        "prompts/b.md.j2": "Тон: {{ ton }}",
    }
    found = prompt(tmp_path, text, **files)
    assert found.spec["partials"] == files
    assert not warnings(tmp_path, text, "unused-input", **files)
    changed = prompt(tmp_path, text, **{**files, "prompts/b.md.j2": "Тон! {{ ton }}"})
    assert changed.spec["version"] != found.spec["version"]


def test_a_file_outside_the_project_is_not_included_through_a_link_either(tmp_path):
    (tmp_path / "secret.md").write_text("tajne", encoding="utf-8")
    root = tmp_path / "project"
    (root / "prompts").mkdir(parents=True)
    (root / "prompts" / "link.md").symlink_to(tmp_path / "secret.md")
    text = sections("id: a, role: system, template: \"{% include 'prompts/link.md' %}\"")
    assert "`prompts/link.md` lies outside the project" in problems(project(root, HEAD + text))


@pytest.mark.parametrize(
    ("model", "dialect"),
    [
        ("claude-opus-4-5", "anthropic"),
        ("gemini-2.5-flash", "gemini"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "bedrock"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "bedrock"),
        ("gpt-4o", None),
        ("qwen3-8b", None),
    ],
)
def test_how_one_speaks_to_a_model_follows_from_its_name(tmp_path, model, dialect):
    text = sections("id: ask, role: user, template: '{{ question }}'", model=model)
    assert prompt(tmp_path, text).spec.get("dialect") == dialect


def test_how_one_speaks_to_an_endpoint_follows_from_its_provider(tmp_path):
    text = "endpoint:\n  c: {provider: claude, model: claude-opus-4-5}\n"
    text += sections("id: ask, role: user, template: '{{ question }}'", model="endpoint.c")
    assert prompt(tmp_path, text).spec["dialect"] == "anthropic"


def test_an_open_model_on_machines_of_vertex_is_not_spoken_to_as_a_gemini(tmp_path):
    vertex = "  v: {type: vertex, project: acme-ml, location: us-central1, staging: gs://acme}\n"
    text = HEAD.replace("  claude: {type: anthropic}\n", "  claude: {type: anthropic}\n" + vertex)
    text += "endpoint:\n  c:\n    provider: v\n    model: google/gemma3@gemma-3-1b-it\n"
    text += "    machine_type: n1-standard-4\n"
    text += sections("id: ask, role: user, template: '{{ question }}'", model="endpoint.c")
    found = resources(project(tmp_path, text))["prompt_template.support"]
    assert "dialect" not in found.spec, "OpenAI's goes without saying"


def test_an_automatic_budget_is_asked_of_the_base_model(tmp_path):
    text = (
        "tuning_job:\n  t: {base_model: smollm2-135m-instruct, data: dataset.support}\n"
        "endpoint:\n  e: {model: tuning_job.t}\n"
    )
    line = "id: ask, role: user, template: '{{ question }}'"
    text += sections(line, more="    budget: {}\n", model="endpoint.e")
    assert prompt(tmp_path, text).spec["budget"] == {
        "context_tokens": "auto",
        "of": "smollm2-135m-instruct",
        "reserve_output": 1024,
    }


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("{max_output: 300}", {"reserve_output": 300, "max_output": 300}),
        ("{max_output: 3000}", {"reserve_output": 3000, "max_output": 3000}),
        ("{max_output: 300, reserve_output: 500}", {"reserve_output": 500, "max_output": 300}),
        ("{reserve_output: 500}", {"reserve_output": 500}),
    ],
)
def test_as_much_is_kept_free_as_the_longest_answer_takes(tmp_path, said, kept):
    line = "id: ask, role: user, template: '{{ question }}'"
    found = prompt(tmp_path, sections(line, more=f"    budget: {said}\n")).spec["budget"]
    assert {k: v for k, v in found.items() if k not in {"context_tokens", "of"}} == kept


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        (
            "{max_output: 600, reserve_output: 500}",
            "`budget` keeps less free for the answer than `max_output` allows it",
        ),
        ("{max_output: 600, context_tokens: 600}", "`budget` leaves no room for the prompt"),
    ],
)
def test_an_answer_that_cannot_fit_is_refused(tmp_path, said, wrong):
    line = "id: ask, role: user, template: '{{ question }}'"
    text = sections(line, more=f"    budget: {said}\n")
    assert wrong in problems(project(tmp_path, HEAD + text))


def test_nearest_examples_ask_with_the_only_text_input(tmp_path):
    text = sections(
        "id: near, role: examples, examples: dataset.support.train, select: nearest",
        "id: ask, role: user, template: '{{ question }} {{ n }}'",
        inputs="{question: string, n: integer}",
    )
    near = prompt(tmp_path, text).spec["sections"][0]
    assert (near["select"], near["query"], near["max"]) == ("nearest", "{{ question }}", 4)


@pytest.mark.parametrize("select", ["fixed", "seeded", "nearest"])
def test_examples_of_the_test_split_are_refused_by_name(tmp_path, select):
    text = sections(
        f"id: shots, role: examples, examples: dataset.support.test, select: {select}",
        "id: ask, role: user, template: '{{ question }}'",
    )
    said = "examples of the prompt are the split `test` of `dataset.support`"
    assert said in problems(project(tmp_path, HEAD + text))


def test_a_knowledge_base_is_searched_as_it_says_itself(tmp_path):
    text = "knowledge_base:\n  manual: {sources: [docs/a.md], retrieval: {top_k: 7}}\n" + sections(
        "id: docs, role: documents, knowledge_base: knowledge_base.manual",
        "id: ask, role: user, template: '{{ question }}'",
    )
    found = prompt(tmp_path, text, **{"docs/a.md": "Zwroty trwają 14 dni."})
    docs = found.spec["sections"][0]
    assert (docs["knowledge"], docs["top_k"], docs["query"]) == ("manual", 7, "{{ question }}")
    assert str(found.spec["knowledge"]["manual"]) == "knowledge_base.manual.search"


@pytest.mark.parametrize(
    ("lines", "more", "said"),
    [
        (
            (
                "id: past, role: history",
                "id: rules, role: system, template: x, cache: {breakpoint: true}",
            ),
            "",
            (
                "section `rules` is static and stands after `past`, which changes with each "
                "conversation: nothing from there on is read from the cache"
            ),
        ),
        (
            ("id: rules, role: system, template: '{{ question }}'",),
            "    cache: {ttl: 5m}\n",
            (
                "section `rules` is static and uses `question`: where that changes, nothing from "
                "there on is read from the cache"
            ),
        ),
        (
            (
                "id: rules, role: system, template: x, cache: {breakpoint: true}",
                "id: shots, role: examples, examples: dataset.support.train",
            ),
            "",
            (
                "examples `shots` never change and stand after the cache breakpoint, so they are "
                "paid in full each time"
            ),
        ),
        (
            (
                (
                    "id: near, role: examples, examples: dataset.support.train, select: nearest, "
                    "cache: {breakpoint: true}"
                ),
            ),
            "",
            (
                "section `near` changes with each turn and stands before the cache breakpoint: "
                "what is written to the cache is never read"
            ),
        ),
    ],
)
def test_what_keeps_a_cache_from_being_read_is_told_with_the_reason(tmp_path, lines, more, said):
    text = sections(*lines, "id: ask, role: user, template: '{{ question }}'", more=more)
    assert warnings(tmp_path, text, "cache-order") == [said]


def test_a_prompt_in_the_order_of_its_volatility_is_not_warned_of(tmp_path):
    text = sections(
        "id: rules, role: system, template: x",
        "id: shots, role: examples, examples: dataset.support.train",
        "id: who, role: profile, cache: {breakpoint: true}",
        "id: past, role: history, cache: {breakpoint: true}",
        "id: near, role: examples, examples: dataset.support.train, select: nearest",
        "id: ask, role: user, template: '{{ question }}'",
        more="    cache: {ttl: 1h}\n",
    )
    assert warnings(tmp_path, text, "cache-order") == []


def test_more_than_four_breakpoints_are_refused(tmp_path):
    lines = [f"id: s{n}, role: system, template: x, cache: {{breakpoint: true}}" for n in range(5)]
    assert "5 sections set a cache breakpoint; 4 may" in problems(
        project(tmp_path, HEAD + sections(*lines))
    )


def test_a_memory_that_no_section_shows_is_warned_of(tmp_path):
    text = sections("id: ask, role: user, template: '{{ question }}'")
    assert warnings(tmp_path, text, "unused-memory") == ["`memory` is never used"]


def test_a_query_uses_its_inputs(tmp_path):
    text = sections(
        (
            "id: near, role: examples, examples: dataset.support.train, select: nearest, "
            "query: '{{ topic }}'"
        ),
        "id: ask, role: user, template: '{{ question }}'",
        inputs="{question: string, topic: string}",
    )
    assert warnings(tmp_path, text, "unused-input") == []


KNOWN = "knowledge_base:\n  manual: {sources: [docs/a.md]}\n"
DOCUMENTS = {"docs/a.md": "Zwroty trwają 14 dni."}


def test_a_search_by_the_last_questions_begins_with_them(tmp_path):
    text = KNOWN + sections(
        "id: docs, role: documents, knowledge_base: knowledge_base.manual, query_turns: 2",
        "id: ask, role: user, template: '{{ question }}'",
    )
    [docs, _] = prompt(tmp_path, text, **DOCUMENTS).spec["sections"]
    assert (docs["query"], docs["query_turns"]) == ("{{ history }}\n{{ question }}", 2)


@pytest.mark.parametrize(
    ("docs", "said"),
    [
        (
            "query: '{{ history }}'",
            "the template uses `history`, which means the conversation so far",
        ),
        ("query_turns: 0", "`sections[0].query_turns` must be at least 1, not 0"),
        (
            "query_turns: 2, query: '{{ profile }}'",
            "the template uses `profile`, which means what is known of the user",
        ),
    ],
)
def test_what_a_search_cannot_see_is_told(tmp_path, docs, said):
    text = KNOWN + sections(
        f"id: docs, role: documents, knowledge_base: knowledge_base.manual, {docs}",
        "id: ask, role: user, template: '{{ question }}'",
    )
    assert said in problems(project(tmp_path, HEAD + text, **DOCUMENTS))


def test_a_search_by_the_last_questions_needs_a_conversation(tmp_path):
    text = """
knowledge_base:
  manual: {sources: [docs/a.md]}
prompt_template:
  support:
    model: m
    inputs: {question: string}
    sections:
      - {id: docs, role: documents, knowledge_base: knowledge_base.manual, query_turns: 2}
      - {id: ask, role: user, template: "{{ question }}"}
"""
    assert "section `docs` sets `query_turns`, and the template has no conversation" in problems(
        project(tmp_path, HEAD + text, **DOCUMENTS)
    )


def test_each_of_several_prompts_of_one_block_has_its_own_text(tmp_path):
    text = """
prompt_template:
  support:
    for_each: {pl: "Odpowiadaj po polsku.", ru: "Отвечай по-русски."}
    model: gpt-4o
    inputs: {question: string}
    sections:
      - {id: ask, role: user, template_file: "prompts/${each.key}.md.j2"}
"""
    files = {"prompts/pl.md.j2": "Pytanie: {{ question }}", "prompts/ru.md.j2": "{{ question }}?"}
    one = prompt(tmp_path, text, 'support["pl"]', **files)
    two = prompt(tmp_path, text, 'support["ru"]', **files)
    assert one.spec["name"] == "support[pl]"
    assert one.spec["version"] != two.spec["version"]


def test_what_is_refused_when_loading_is_what_rendering_has_not_got():
    assert set(bounded.FORBIDDEN) == FORBIDDEN


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_a_forbidden_filter_is_refused_wherever_it_stands(tmp_path, name):
    used = f"{{% if question %}}{{{{ question | {name} }}}}{{% endif %}}"
    text = sections(f"id: a, role: user, template: '{used}'")
    assert f"filter `{name}` is not allowed" in problems(project(tmp_path, HEAD + text))


def test_a_conversation_may_come_from_the_application_alone(tmp_path):
    text = sections(
        "id: past, role: history", "id: ask, role: user, template: '{{ question }}'"
    ).replace("    memory: memory.customers\n", "")
    assert "memory" not in prompt(tmp_path, text).spec


def test_only_the_first_rows_are_looked_through_for_the_nearest_and_that_is_told(tmp_path):
    rows = "".join(
        f'{{"messages": [{{"role": "user", "content": "Pytanie numer {n * 7919}?"}}, '
        f'{{"role": "assistant", "content": "Odpowiedź {n * 31}."}}]}}\n'
        for n in range(2100)
    )
    text = sections(
        "id: near, role: examples, examples: dataset.many.train, select: nearest",
        "id: ask, role: user, template: '{{ question }}'",
    )
    head = HEAD.replace("dataset:\n", "dataset:\n  many: {source: data/many.jsonl}\n")
    root = project(tmp_path, head + text, **{"data/many.jsonl": rows})
    found = [d.summary for d in loaded(root).project.warnings if d.code == "many-examples"]
    assert found == ["the nearest examples are looked for among the first 2000 of 2100 rows"]


WHERE = """
project: sklep
default_provider: {name}
providers:
  local: {{}}
  proxy: {{type: openai, base_url: "https://llm.example.com/v1", key_env: PROXY_KEY}}
prompt_template:
  support:
    model: {model}
    inputs: {{question: string}}
    sections: [{{id: ask, role: user, template: "{{{{ question }}}}"}}]
"""


def test_a_model_id_is_asked_at_the_address_of_its_provider(tmp_path):
    root = project(tmp_path, WHERE.format(name="proxy", model="gpt-4o"))
    assert resources(root)["prompt_template.support"].spec["base_url"] == (
        "https://llm.example.com/v1"
    )


def test_an_address_from_the_environment_stands_in_no_record(tmp_path):
    text = WHERE.format(name="proxy", model="gpt-4o")
    text = text.replace("https://llm.example.com/v1", "${env.PROXY_URL}") + "env: [PROXY_URL]\n"
    root = project(tmp_path, text)
    found = resources(root, environ={"PROXY_URL": "https://canary.example/v1"})
    assert "base_url" not in found["prompt_template.support"].spec


def test_a_model_of_another_service_is_not_asked_there(tmp_path):
    root = project(tmp_path, WHERE.format(name="proxy", model="claude-haiku-4-5"))
    assert "base_url" not in resources(root)["prompt_template.support"].spec


def test_a_model_trained_on_this_machine_without_an_endpoint_is_warned_of(tmp_path):
    job = """
tuning_job:
  support: {base_model: smollm2-135m-instruct, data: dataset.support}
dataset:
  support: {source: data/rows.jsonl}
"""
    trained = project(tmp_path / "a", WHERE.format(name="local", model="tuning_job.support") + job)
    assert [d.code for d in loaded(trained).project.warnings].count("no-address") == 1
    plain = project(tmp_path / "b", WHERE.format(name="local", model="smollm2-135m-instruct"))
    assert "no-address" not in [d.code for d in loaded(plain).project.warnings]


@pytest.mark.parametrize(
    "line",
    [
        "id: a, role: system, template_file: prompts/a.md",
        "id: a, role: system, template: \"{% include 'prompts/a.md' %}\"",
    ],
)
def test_a_text_that_is_too_large_for_the_state_is_refused_with_its_size(tmp_path, line):
    most = "ż" * (LARGEST // 2)
    text = sections(line, inputs="{}")
    prompt(tmp_path, text, **{"prompts/a.md": most})
    root = project(tmp_path, HEAD + text, **{"prompts/a.md": most * 2})
    said = problems(root)[0]
    assert "`prompts/a.md` has 512 KB of text" in said
