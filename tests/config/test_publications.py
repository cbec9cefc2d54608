"""`publish:`: what is published where, and what is refused with its section's name."""

from __future__ import annotations

import pytest

from tests.config.making import loaded, project, resources
from tunectl.core.errors import ConfigError, Severity
from tunectl.core.value import Address, Ref

HEAD = """
project: pomoc
providers:
  local: {trainer: simulated}
  langfuse: {}
  aws: {type: bedrock, region: us-west-2, role_arn: "arn:aws:iam::123456789012:role/t", staging: "s3://acme/p"}
dataset:
  support: {source: data/rows.jsonl}
memory:
  customers: {profile: {name: {type: string, max_chars: 80, inject: true}}}
knowledge_base:
  manual: {provider: local, sources: [docs/*.md]}
"""
ASK = '{id: ask, role: user, template: "{{ question }}"}'
SYSTEM = '{id: system, role: system, template: "Pomagasz."}'


def template(*sections, to="{to: langfuse}", more="", inputs="{question: string}", model="gpt-4o"):
    body = "\n".join(f"      - {one}" for one in (*sections, ASK))
    return (
        f"prompt_template:\n  support:\n    model: {model}\n    memory: memory.customers\n"
        f"    inputs: {inputs}\n    publish: [{to}]\n{more}    sections:\n{body}\n"
    )


def made(root, text, name='publication.support["langfuse/support"]'):
    return resources(at(root, text))[name]


def at(root, text):
    return project(root, HEAD + text, **{"docs/a.md": "# Zwroty\n\n14 dni.\n"})


def refused(root, text):
    return errors(at(root, text))


def errors(root):
    with pytest.raises(ConfigError) as caught:
        loaded(root)
    return [d for d in caught.value.diagnostics if d.severity is Severity.ERROR]


def test_every_section_is_text_examples_or_a_slot(tmp_path):
    sections = (
        SYSTEM,
        "{id: shots, role: examples, examples: dataset.support.train, max: 2}",
        "{id: near, role: examples, examples: dataset.support.train, select: nearest}",
        "{id: profile, role: profile}",
        "{id: history, role: history}",
        "{id: docs, role: documents, knowledge_base: knowledge_base.manual}",
    )
    found = made(tmp_path, template(*sections, to="{to: langfuse, labels: [staging, staging]}"))
    first, shots, *slots, ask = found.spec["messages"]
    assert first == {"section": "system", "role": "system", "text": "Pomagasz.", "names": ()}
    assert (shots["section"], shots["max"], shots["select"]) == ("shots", 2, "fixed")
    assert [one["section"] for one in slots] == ["near", "profile", "history", "docs"]
    assert all(one["slot"] for one in slots)
    assert (ask["text"], ask["names"]) == ("{{question}}", ("question",))
    assert found.spec["labels"] == ("staging",)
    assert found.spec["form"]["inputs"] == {"question": {"type": "string"}}
    assert found.parent == Address.of("prompt_template", "support")
    assert found.parent in found.needs
    assert found.provider == "langfuse"


def test_a_provider_that_only_keeps_prompts_is_nobody_s_default(tmp_path):
    text = """
        project: pomoc
        providers: {local: {trainer: simulated}, langfuse: {}}
        dataset: {support: {source: data/rows.jsonl, split: {test: 20%}}}
        tuning_job:
          a: {base_model: smollm2-135m-instruct, training: dataset.support.train}
    """
    assert resources(project(tmp_path, text))["tuning_job.a"].provider == "local"


def test_its_model_follows_the_template_s(tmp_path):
    endpoint = "endpoint:\n  support: {model: gpt-4o, provider: local}\n"
    found = made(tmp_path, endpoint + template(model="endpoint.support"))
    assert found.spec["model"] == Ref(Address.of("endpoint", "support"), ("model_id",))


def test_the_text_alone_decides_its_hash(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = made(tmp_path / "a", template(SYSTEM))
    budget = "    budget: {context_tokens: 9000}\n"
    two = made(tmp_path / "b", template(SYSTEM, more=budget))
    assert one.spec["sha256"] == two.spec["sha256"]


def test_each_key_of_a_for_each_is_published_under_a_name_of_its_own(tmp_path):
    text = template(SYSTEM).replace("    model:", "    for_each: [pl, ru]\n    model:", 1)
    found = resources(at(tmp_path, text))
    assert found['publication.support["pl/langfuse/support-pl"]'].spec["name"] == "support-pl"
    assert found['publication.support["ru/langfuse/support-ru"]'].spec["name"] == "support-ru"


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ('{id: s, role: system, template: "{% if question %}a{% endif %}"}', "has a condition"),
        ('{id: s, role: system, template: "{{ question | upper }}"}', "the filter `upper`"),
        ('{id: s, role: system, template: "@@@langfusePrompt:name=a@@@"}', "`@@@langfusePrompt:`"),
        ('{id: s, role: profile, template: "Imię: {{ profile.name }}"}', "words of its own"),
        ("{id: question, role: history}", "`question` and an input have one name"),
        ("{id: история, role: history}", "no placeholder called `история`"),
    ],
)
def test_what_langfuse_cannot_hold_is_refused_where_it_stands(tmp_path, section, said):
    [found] = refused(tmp_path, template(section))
    assert said in found.summary
    assert "cannot be published to `langfuse`" in found.summary
    assert (found.code, found.source.line) == ("not-publishable", 20)
    assert found.hint


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("{id: h, role: history}", "section `h` shows the history"),
        ("{id: p, role: profile}", "section `p` shows a profile"),
        (
            "{id: d, role: documents, knowledge_base: knowledge_base.manual}",
            "section `d` shows documents",
        ),
        (
            "{id: n, role: examples, examples: dataset.support.train, select: nearest}",
            "section `n` shows nearest examples",
        ),
    ],
)
def test_bedrock_has_no_place_for_what_is_put_in_later(tmp_path, section, said):
    [found] = refused(tmp_path, template(section, to="{to: aws}"))
    assert said in found.summary
    assert "Bedrock prompt management has no place for it" in found.summary


def test_bedrock_takes_twenty_inputs_and_no_schema(tmp_path):
    names = [f"i{n}" for n in range(21)]
    inputs = "{question: string, " + ", ".join(f"{name}: string" for name in names) + "}"
    text = " ".join(f"{{{{ {name} }}}}" for name in names)
    [many] = refused(
        tmp_path,
        template(f'{{id: s, role: system, template: "{text}"}}', to="{to: aws}", inputs=inputs),
    )
    assert "uses 22 inputs, and Bedrock prompt management takes 20" in many.summary
    output = "    output: {schema: {type: object}}\n"
    [schema] = refused(tmp_path, template(SYSTEM, to="{to: aws}", more=output))
    assert "no room for the form of the answer" in schema.summary


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{to: lagfuse}", "there is no provider `lagfuse`"),
        ("{to: local}", "provider `local` keeps no prompts"),
        ("{to: langfuse, name: 'a|b'}", "takes no prompt called `a|b`"),
        ("{to: langfuse, name: '/a'}", "takes no prompt called `/a`"),
        ("{to: langfuse, name: metrics}", "keeps the name `metrics` for itself"),
        ("{to: langfuse, labels: [Staging]}", "takes no label `Staging`"),
        ("{to: langfuse, labels: [latest]}", "gives the label `latest` itself"),
        ("{to: aws, labels: [staging]}", "has no labels"),
        ("{to: aws, name: pomoc/support}", "takes no prompt called `pomoc/support`"),
        ("{to: langfuse}, {to: langfuse}", "is published to `langfuse` as `support` already"),
    ],
)
def test_what_an_entry_gets_wrong_is_told(tmp_path, entry, said):
    [found] = refused(tmp_path, template(SYSTEM, to=entry))
    assert said in found.summary
    assert found.source.line == 18
    assert found.hint


def test_a_missing_langfuse_is_shown_how_to_declare(tmp_path):
    text = (HEAD + template(SYSTEM)).replace("  langfuse: {}\n", "")
    [found] = errors(project(tmp_path, text, **{"docs/a.md": "# a\n"}))
    assert "providers: {langfuse:" in found.hint


def test_a_tag_that_the_service_does_not_guard_is_warned_of(tmp_path):
    section = '{id: s, role: user, template: "{{ question }}", wrap: pytanie}'
    found = loaded(at(tmp_path, template(section))).project.warnings
    [said] = [d for d in found if d.code == "publish-unescaped"]
    assert "within `<pytanie>`" in said.summary
    assert "`question`" in said.summary
