"""Datasets and prompt templates: records and compiled artefacts."""

import hashlib
import json
from dataclasses import replace

import pytest

from tests.contracts.handler_contract import HandlerContract, Rows, Subject, request_for
from tunectl.core.errors import ConfigError, ProviderError
from tunectl.core.resource import Resource
from tunectl.core.value import Address
from tunectl.prompts.artefact import load
from tunectl.providers.builtin import connect

SHA = "c0ffee" + "0" * 58
SECTIONS = (
    {"id": "system", "role": "system", "template": "Jesteś pomocą sklepu."},
    {
        "id": "shots",
        "role": "examples",
        "examples": {"dataset": "dataset.support", "split": "train", "sha256": SHA, "rows": 9},
        "max": 2,
    },
    {"id": "ask", "role": "user", "template": "{{ question }}"},
)


def rows(count=9):
    return Rows(
        [
            {
                "messages": [
                    {"role": "system", "content": "z danych"},
                    {"role": "user", "content": f"Pytanie {n}? «Да»"},
                    {"role": "assistant", "content": f"Odpowiedź {n}", "weight": 1},
                ]
            }
            for n in range(count)
        ]
    )


def template(name="support", reader=None, sections=SECTIONS, op=None, **more):
    spec = {
        "model": "helpdesk-support",
        "base_url": "http://127.0.0.1:1/v1",
        "inputs": {"question": {"type": "string", "max_chars": 80}},
        "sections": sections,
        "version": "v1",
        **more,
    }
    address = Address.parse(f"prompt_template.{name}")
    resource = Resource(address=address, provider="builtin", spec=spec, outputs=("version", "path"))
    return request_for(resource, spec, reader=reader or rows(), op=op)


@pytest.fixture
def builtin(tmp_path):
    return connect(name="builtin", project_root=str(tmp_path), env="default")


@pytest.fixture
def handler(builtin):
    return builtin.handlers["prompt_template"]


class TestPromptTemplatesKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, builtin):
        numbers = iter(range(100))
        return Subject(
            builtin,
            "prompt_template",
            lambda: template(f"support_{next(numbers)}"),
            changed=lambda r: {**r.spec, "version": "v2"},
            marked=False,
        )


class TestDatasetsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, builtin):
        spec = {"source": "a.jsonl", "splits": {"train": {"rows": 9, "sha256": SHA}}, "rows": "m"}
        resource = Resource(
            address=Address.of("dataset", "support"),
            provider="builtin",
            spec=spec,
            outputs=("train",),
        )
        return Subject(
            builtin,
            "dataset",
            lambda: request_for(resource, spec),
            changed=lambda r: {**r.spec, "rows": "m2"},
            marked=False,
            vanishes=False,
        )


def test_an_application_reads_the_artefact_and_renders_it(handler, tmp_path):
    handler.create(template())
    prompt = load("support", path=tmp_path)
    assert prompt.model == "helpdesk-support"
    assert prompt.base_url == "http://127.0.0.1:1/v1"
    assert prompt.messages(question="Kiedy?") == [
        {"role": "system", "content": "Jesteś pomocą sklepu."},
        {"role": "user", "content": "Pytanie 0? «Да»"},
        {"role": "assistant", "content": "Odpowiedź 0"},
        {"role": "user", "content": "Pytanie 1? «Да»"},
        {"role": "assistant", "content": "Odpowiedź 1"},
        {"role": "user", "content": "Kiedy?"},
    ]


def test_the_artefact_is_plain_json_in_the_project_with_its_own_hash(handler, tmp_path):
    made = handler.create(template())
    assert made.outputs["path"] == ".tunectl/prompts/default/support.json"
    text = (tmp_path / made.outputs["path"]).read_text(encoding="utf-8")
    assert "Jesteś" in text  # for people, not escaped
    tree = json.loads(text)
    assert list(tree) == [
        "format", "name", "version", "model", "base_url", "dialect", "inputs", "partials",
        "sections", "budget", "output", "cache", "citations", "memory", "knowledge", "sha256",
    ]  # fmt: skip
    said = tree.pop("sha256")
    rest = json.dumps(tree, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert said == hashlib.sha256(rest.encode()).hexdigest()


def test_the_same_declaration_gives_the_same_bytes(handler, tmp_path):
    path = tmp_path / handler.create(template()).outputs["path"]
    first = path.read_bytes()
    handler.create(template())
    assert path.read_bytes() == first
    assert [p.name for p in path.parent.iterdir()] == ["support.json"]


def test_an_edited_or_missing_artefact_reads_as_gone(handler, tmp_path):
    made = handler.create(template())
    path = tmp_path / made.outputs["path"]
    assert handler.read(made) == made
    path.write_bytes(path.read_bytes().replace(b"Jeste", b"jeste"))
    assert handler.read(made) is None
    path.unlink()
    assert handler.read(made) is None


def test_an_artefact_that_cannot_be_looked_at_is_not_gone(handler, tmp_path):
    made = handler.create(template())
    path = tmp_path / made.outputs["path"]
    path.unlink()
    path.mkdir()
    with pytest.raises(ProviderError, match="cannot read"):
        handler.read(made)


def test_a_folder_that_cannot_be_written_is_an_error_with_a_path(tmp_path):
    (tmp_path / ".tunectl").write_text("a file", encoding="utf-8")
    handler = connect(project_root=str(tmp_path)).handlers["prompt_template"]
    with pytest.raises(ProviderError, match=r"cannot write `.*support\.json`"):
        handler.create(template())


def section(**more):
    return ({**SECTIONS[1], "max": 3, **more},)


def shots(handler, tmp_path, reader, **more):
    made = handler.create(template(sections=section(**more), reader=reader))
    tree = json.loads((tmp_path / made.outputs["path"]).read_text(encoding="utf-8"))
    messages = tree["sections"][0]["messages"]
    return [m["content"] for m in messages if m["role"] == "user"]


def test_a_seeded_sample_depends_on_the_seed_and_keeps_the_order_of_the_file(handler, tmp_path):
    samples = {s: shots(handler, tmp_path, rows(40), select="seeded", seed=s) for s in range(5)}
    assert all(len(s) == 3 for s in samples.values())
    assert len({tuple(s) for s in samples.values()}) > 1
    numbers = [int(text.split()[1].rstrip("?")) for text in samples[1]]
    assert numbers == sorted(numbers)
    assert shots(handler, tmp_path, rows(40), select="seeded", seed=1) == samples[1]


def test_adding_rows_replaces_sampled_examples_only_by_the_new_ones(handler, tmp_path):
    before = shots(handler, tmp_path, rows(20), select="seeded", seed=1)
    after = shots(handler, tmp_path, rows(40), select="seeded", seed=1)
    fresh = {f"Pytanie {n}? «Да»" for n in range(20, 40)}
    assert set(after) - set(before) <= fresh


def test_four_examples_are_taken_when_nothing_is_said(handler, tmp_path):
    assert len(shots(handler, tmp_path, rows(), max=None)) == 4


def test_rows_that_are_not_all_text_are_no_examples(handler, tmp_path):
    call = {"role": "assistant", "content": None, "tool_calls": ()}
    image = {"role": "user", "content": ({"type": "image_url"},)}
    rows_of = [[{"role": "user", "content": "zdjęcie"}, call], [image]]
    odd = Rows([*({"messages": messages} for messages in rows_of), *rows(1).data])
    assert shots(handler, tmp_path, odd) == ["Pytanie 0? «Да»"]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("pomoc_żółć", "pomoc_żółć.json"),
        ("shop.main", "shop.main.json"),
        ('support["pl"]', "support[pl].json"),
        ('support["../../x"]', "support[..%2F..%2Fx].json"),
    ],
)
def test_every_address_has_a_file_inside_the_folder(handler, tmp_path, name, file):
    made = handler.create(template(name))
    assert made.outputs["path"] == f".tunectl/prompts/default/{file}"
    assert (tmp_path / made.outputs["path"]).is_file()
    assert handler.read(made) == made


def test_a_very_long_name_still_has_a_file(handler):
    one, two = (handler.create(template("ż" * 200 + c)) for c in "ab")
    assert one.outputs["path"] != two.outputs["path"]
    assert handler.read(one) == one


def test_each_environment_has_its_own_folder(tmp_path):
    made = (
        connect(project_root=str(tmp_path), env="prod")
        .handlers["prompt_template"]
        .create(template())
    )
    assert made.outputs["path"] == ".tunectl/prompts/prod/support.json"
    assert load("support", path=tmp_path, env="prod").version == "v1"


def test_deleting_removes_the_file_only(handler, tmp_path):
    made, other = handler.create(template()), handler.create(template("other"))
    handler.delete(made)
    assert handler.read(other) == other


def test_an_update_keeps_the_first_operation(handler):
    first = handler.create(template())
    again = handler.update(replace(template(version="v2"), prior=first))
    assert (again.op, again.id, again.outputs["version"]) == (first.op, first.id, "v2")


def test_the_builtin_provider_has_no_settings_and_no_models():
    with pytest.raises(ConfigError):
        connect(root="x")
    assert list(connect().models()) == []


def test_its_kinds_are_known_before_their_handlers_are_made():
    handlers = connect().handlers
    assert sorted(handlers) == ["dataset", "knowledge_base", "memory", "prompt_template"]
    assert len(handlers) == 4
    assert "dataset" in handlers
    assert "endpoint" not in handlers
    assert handlers.get("endpoint") is None
    assert handlers["memory"] is handlers["memory"]
