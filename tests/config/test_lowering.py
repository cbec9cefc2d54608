"""What the declaration becomes: resources as the planner and the handlers expect them."""

from __future__ import annotations

from datetime import date

import pytest

from tests.config.error_cases import rows
from tests.config.making import loaded, project, resources, write
from tunectl.config.load import load
from tunectl.config.refs import References
from tunectl.core.resource import Recreate
from tunectl.core.value import Address

BASE = """
project: helpdesk
default_provider: local
providers:
  local: {trainer: simulated}
  openai: {}
dataset:
  support: {source: data/rows.jsonl, split: {validation: 25%, seed: 7}}
"""
JOB = """
tuning_job:
  support: {base_model: smollm2-135m-instruct, data: dataset.support}
"""


def job(root, **options):
    return resources(root, **options)["tuning_job.support"]


def test_a_dataset_knows_its_splits(tmp_path):
    found = loaded(project(tmp_path, BASE))
    resource = found.project.resources[0]
    dataset = found.datasets[Address.of("dataset", "support")]
    assert resource.provider == "builtin"
    assert resource.outputs == ("train", "validation")
    assert resource.spec == {
        "source": "data/rows.jsonl",
        "format": dataset.shape,
        "splits": {
            name: {"rows": s.rows, "sha256": s.sha256} for name, s in dataset.splits.items()
        },
        "rows": dataset.marks_sha256,
    }


def test_a_job_takes_the_splits_and_derives_an_upload_for_each(tmp_path):
    found = resources(project(tmp_path, BASE + JOB))
    made = found["tuning_job.support"]
    train = found['upload.support["train/local/chat"]']
    assert str(made.spec["training_file"]) == f"{train.address}.file_id"
    assert set(made.spec) == {
        "base_model", "method", "data", "trainer", "training_file", "validation_file",
    }  # fmt: skip
    assert made.spec["trainer"] == "simulated/1"
    assert made.spec["data"]["training"]["sha256"] == train.spec["sha256"]
    assert made.recreate is Recreate.ON_REQUEST
    assert made.lifecycle.keep_previous == 1
    assert made.inputs == {"training_file", "validation_file"}
    assert train.recreate is Recreate.ON_DEMAND
    assert train.parent == Address.of("dataset", "support")
    assert train.immutable == set(train.spec)
    assert train.depends_on == (train.parent,)


def test_two_jobs_of_a_provider_share_an_upload_and_two_providers_do_not(tmp_path):
    more = """
  again: {base_model: smollm2-135m-instruct, data: dataset.support, seed: 2}
  there: {base_model: gpt-4o-mini, data: dataset.support, provider: openai}
"""
    found = resources(project(tmp_path, BASE + JOB.rstrip("\n") + more))
    uploads = [a for a in found if a.startswith('upload.support["train')]
    assert uploads == ['upload.support["train/local/chat"]', 'upload.support["train/openai/chat"]']
    assert "trainer" not in found["tuning_job.there"].spec


@pytest.mark.parametrize(
    ("edit", "same"),
    [
        ("suffix: new", True),
        ("metadata: {a: b}", True),
        ("labels: {a: b}", True),
        ("method: {epochs: auto}", True),
        ("method: supervised", True),
        ("method: {epochs: 3}", False),
        ("method: {learning_rate_multiplier: 0.5}", False),
        ("seed: 1", False),
        ("provider: openai", False),  # another trainer is another result
    ],
)
def test_the_identity_of_a_job_is_what_changes_its_model(tmp_path, edit, same):
    before = job(project(tmp_path / "1", BASE + JOB)).fingerprint
    text = JOB.replace("data:", edit + ", data:")
    after = job(project(tmp_path / "2", BASE + text)).fingerprint
    assert (before == after) is same


GRADER = "{type: string_check, name: zgodność, input: a, reference: b, operation: eq}"
METHODS = """
project: helpdesk
default_provider: azure
providers:
  azure:
    {type: openai, profile: azure, base_url: "https://a.openai.azure.com/openai/v1", key_env: KEY}
dataset:
  chats: {source: data/rows.jsonl}
  pairs:
    rows:
      - input: {messages: [{role: user, content: "Jak zwrócić paczkę?"}]}
        preferred_output: [{role: assistant, content: "Proszę odesłać ją w 30 dni."}]
        non_preferred_output: [{role: assistant, content: "Nie wiem."}]
  tasks:
    format: reinforcement
    rows:
      - {messages: [{role: user, content: "Ile to 2+2?"}], answer: "4"}
tuning_job:
  support: {base_model: gpt-4.1-mini, data: dataset.DATA, method: METHOD}
"""


def of_method(root, data, method):
    text = METHODS.replace("DATA", data).replace("METHOD", method)
    return resources(project(root, text))


@pytest.mark.parametrize(
    ("data", "method", "spec", "format_"),
    [
        ("chats", "supervised", {"type": "supervised"}, "chat"),
        ("pairs", "dpo", {"type": "dpo"}, "preference"),
        ("pairs", "{type: dpo, beta: 0.2}", {"type": "dpo", "beta": 0.2}, "preference"),
        (
            "tasks",
            f"{{type: reinforcement, eval_samples: 2, grader: {GRADER}}}",
            {
                "type": "reinforcement",
                "eval_samples": 2,
                "grader": {
                    "type": "string_check",
                    "name": "zgodność",
                    "input": "a",
                    "reference": "b",
                    "operation": "eq",
                },
            },
            "reinforcement",
        ),
    ],
)
def test_a_method_says_the_form_in_which_rows_go_out(tmp_path, data, method, spec, format_):
    found = of_method(tmp_path, data, method)
    assert found["tuning_job.support"].spec["method"] == spec
    (upload,) = [r for a, r in found.items() if a.startswith("upload.")]
    assert upload.spec["format"] == format_


@pytest.mark.parametrize(
    ("data", "one", "other", "same"),
    [
        ("pairs", "dpo", "{type: dpo, beta: auto}", True),
        ("pairs", "dpo", "{type: dpo, beta: 0.1}", False),
        ("pairs", "{type: dpo, beta: 0.1}", "{type: dpo, beta: 0.2}", False),
        (
            "tasks",
            f"{{type: reinforcement, grader: {GRADER}}}",
            f"{{grader: {GRADER}, eval_interval: auto, type: reinforcement}}",
            True,
        ),
        (
            "tasks",
            f"{{type: reinforcement, grader: {GRADER}}}",
            f"{{type: reinforcement, grader: {GRADER.replace('eq', 'ilike')}}}",
            False,
        ),
        (
            "tasks",
            f"{{type: reinforcement, grader: {GRADER}}}",
            f"{{type: reinforcement, reasoning_effort: low, grader: {GRADER}}}",
            False,
        ),
    ],
)
def test_what_a_method_says_is_part_of_the_identity(tmp_path, data, one, other, same):
    prints = [
        of_method(tmp_path / str(n), data, method)["tuning_job.support"].fingerprint
        for n, method in enumerate((one, other))
    ]
    assert (prints[0] == prints[1]) is same


def test_a_grader_may_name_a_model_that_this_project_makes(tmp_path):
    judge = """
  judge: {base_model: gpt-4.1-mini, data: dataset.chats}
endpoint:
  judge: {model: tuning_job.judge, deployment: judge}
"""
    grader = "{type: score_model, model: '${endpoint.judge.model_id}'}"
    text = METHODS.replace("DATA", "tasks").replace("METHOD", "{type: reinforcement, grader: G}")
    found = resources(project(tmp_path, text.replace("G}", grader + "}") + judge[1:]))
    made = found["tuning_job.support"]
    assert Address.of("endpoint", "judge") in made.needs
    assert made.fingerprint


def test_white_space_and_key_order_of_rows_do_not_change_the_identity(tmp_path):
    import json

    first = project(tmp_path / "1", BASE + JOB)
    second = project(tmp_path / "2", BASE + JOB)
    lines = [json.loads(line) for line in rows(24).splitlines()]
    loose = "\n\n".join(json.dumps(line, indent=None, separators=(" , ", " : ")) for line in lines)
    write(second, "data/rows.jsonl", loose + "\n")
    assert job(first).fingerprint == job(second).fingerprint


def test_an_edited_answer_changes_the_identity(tmp_path):
    first = project(tmp_path / "1", BASE + JOB)
    second = project(tmp_path / "2", BASE + JOB)
    for number in range(24):  # wherever the split has put it: every row
        text = rows(24).replace(f"Odpowiedź {number}:", f"Inaczej {number}:")
        write(second, "data/rows.jsonl", text)
        assert job(first).fingerprint != job(second).fingerprint


def test_a_job_on_a_tuned_base_follows_the_identity_of_that_base(tmp_path):
    more = JOB.rstrip("\n") + "\n  next: {base_model: tuning_job.support, data: dataset.support}\n"
    first = resources(project(tmp_path / "1", BASE + more))["tuning_job.next"]
    edited = more.replace("smollm2-135m-instruct,", "smollm2-135m-instruct, seed: 3,")
    second = resources(project(tmp_path / "2", BASE + edited))["tuning_job.next"]
    assert str(first.spec["base_model"]) == "tuning_job.support.model_id"
    assert first.fingerprint != second.fingerprint


def test_moving_the_base_to_another_name_does_not_change_the_identity(tmp_path):
    more = JOB.rstrip("\n") + "\n  next: {base_model: tuning_job.support, data: dataset.support}\n"
    first = resources(project(tmp_path / "1", BASE + more))["tuning_job.next"]
    renamed = more.replace("  support:", "  first:").replace(
        "tuning_job.support", "tuning_job.first"
    )
    second = resources(project(tmp_path / "2", BASE + renamed))["tuning_job.next"]
    assert first.fingerprint == second.fingerprint


def test_an_endpoint_lives_where_its_model_is_made(tmp_path):
    text = BASE + JOB.replace("data:", "provider: openai, data:").replace(
        "smollm2-135m-instruct", "gpt-4o"
    )
    found = resources(
        project(tmp_path, text + "endpoint:\n  support: {model: tuning_job.support}\n")
    )
    endpoint = found["endpoint.support"]
    assert endpoint.provider == "openai"
    assert endpoint.outputs == ("model_id", "base_url", "invoke")


PROMPT = """
endpoint:
  support: {model: tuning_job.support}
prompt_template:
  support:
    model: endpoint.support
    inputs: {question: {type: string, max_chars: 80}, tone: {default: miły}}
    sections:
      - {id: system, role: system, template_file: prompts/support.md.j2}
      - {id: shots, role: examples, examples: dataset.support.validation, select: seeded}
      - {id: ask, role: user, template: "{{ question }}"}
"""


def test_a_prompt_holds_its_text_and_names_its_rows(tmp_path):
    root = project(tmp_path, BASE + JOB + PROMPT, **{"prompts/support.md.j2": "Bądź {{ tone }}.\n"})
    found = resources(root)
    prompt = found["prompt_template.support"]
    rows_ = found["dataset.support"].spec["splits"]["validation"]
    assert str(prompt.spec["model"]) == "endpoint.support.model_id"
    assert str(prompt.spec["base_url"]) == "endpoint.support.base_url"
    assert prompt.spec["inputs"] == {
        "question": {"type": "string", "max_chars": 80},
        "tone": {"type": "string", "default": "miły"},
    }
    assert prompt.spec["sections"] == (
        {"id": "system", "role": "system", "template": "Bądź {{ tone }}.\n"},
        {
            "id": "shots",
            "role": "examples",
            "examples": {"dataset": "dataset.support", "split": "validation", **rows_},
            "max": 4,
            "select": "seeded",
            "seed": 0,
        },
        {"id": "ask", "role": "user", "template": "{{ question }}"},
    )
    assert Address.of("dataset", "support") in prompt.depends_on


def test_editing_a_template_file_changes_the_version_of_the_prompt(tmp_path):
    root = project(tmp_path, BASE + JOB + PROMPT, **{"prompts/support.md.j2": "Bądź {{ tone }}."})
    before = resources(root)["prompt_template.support"].spec["version"]
    write(root, "prompts/support.md.j2", "Bądź bardzo {{ tone }}.")
    assert resources(root)["prompt_template.support"].spec["version"] != before


def test_an_unused_input_is_a_warning(tmp_path):
    root = project(tmp_path, BASE + JOB + PROMPT, **{"prompts/support.md.j2": "Bądź miły."})
    found = [w.summary for w in loaded(root).project.warnings if w.code == "unused-input"]
    assert found == ["input `tone` is never used"]


def test_depends_on_a_for_each_means_each_of_it(tmp_path):
    text = BASE + JOB.replace("data:", "depends_on: [dataset.other], data:")
    text = text.replace(
        "dataset:", "dataset:\n  other: {for_each: [a, b], source: data/rows.jsonl}"
    )
    assert [str(a) for a in job(project(tmp_path, text)).depends_on] == [
        'dataset.other["a"]',
        'dataset.other["b"]',
    ]


def test_without_providers_there_is_the_local_one(tmp_path):
    text = "project: x\ndataset:\n  support: {source: data/rows.jsonl}\n" + JOB
    made = job(project(tmp_path, text))
    assert (made.provider, made.spec["trainer"]) == ("local", "lora/1")


def test_labels_of_the_project_are_on_every_resource(tmp_path):
    text = (
        BASE
        + "labels: {team: wsparcie, tier: one}\n"
        + JOB.replace("data:", "labels: {tier: two}, data:")
    )
    found = resources(project(tmp_path, text))
    assert found["dataset.support"].labels == {"team": "wsparcie", "tier": "one"}
    assert found["tuning_job.support"].labels == {"team": "wsparcie", "tier": "two"}


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 10, 1), []),
        (date(2026, 11, 22), ["in 45 days"]),
        (date(2027, 1, 5), ["in 1 day"]),
        (date(2027, 1, 6), ["since 2027-01-06"]),
    ],
)
def test_a_base_that_closes_soon_is_a_warning(tmp_path, day, said):
    text = BASE + JOB.replace("smollm2-135m-instruct", "gpt-4o").replace(
        "data:", "provider: openai, data:"
    )
    found = of_models(loaded(project(tmp_path, text), now=day).project.warnings)
    assert [w.summary[-len(s) :] for w, s in zip(found, said, strict=True)] == said


def of_models(warnings):
    """What is said of models and providers: the rows of these projects are few on purpose."""
    return [w for w in warnings if w.code != "few-rows"]


def test_a_base_that_is_shut_down_is_a_warning_and_no_job_can_be_made_from_it(tmp_path):
    text = BASE + JOB.replace("smollm2-135m-instruct", "ft:gpt-4o-2024-08-06:acme:x:1").replace(
        "data:", "provider: openai, data:"
    )
    said = "base model `ft:gpt-4o-2024-08-06:acme:x:1` was shut down on 2027-01-14"
    instead = "none is left there; move to another provider"
    found = loaded(project(tmp_path, text), now=date(2027, 1, 14)).project
    assert [w.summary for w in of_models(found.warnings)] == [said]
    [job] = [r for r in found.resources if r.address.kind == "tuning_job"]
    assert job.retired == f"{said}; {instead}"
    [alive] = [
        r
        for r in loaded(tmp_path, now=date(2027, 1, 13)).project.resources
        if r.address.kind == "tuning_job"
    ]
    assert alive.retired == ""


def test_an_unknown_base_model_of_vertex_is_a_warning(tmp_path):
    text = BASE.replace("  openai: {}", "  vertex: {project: acme, location: europe-west4}")
    job = JOB.replace("smollm2-135m-instruct", "gemini-9-flash")
    text += job.replace("data:", "provider: vertex, data:")
    found = of_models(loaded(project(tmp_path, text)).project.warnings)
    assert [w.code for w in found] == ["base-unknown"]


def test_a_line_of_jobs_is_walked_once_and_not_for_each_of_them(tmp_path, monkeypatch):
    count, asked = 150, []
    named = References.named
    monkeypatch.setattr(References, "named", lambda *said: asked.append(1) or named(*said))
    jobs = "\n".join(
        f"  j{at}: {{base_model: {f'tuning_job.j{at - 1}' if at else 'smollm2-135m-instruct'}, "
        "data: dataset.d}"
        for at in range(count)
    )
    (tmp_path / "rows.jsonl").write_text(
        '{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}\n' * 20,
        encoding="utf-8",
    )
    (tmp_path / "tunectl.yaml").write_text(
        "project: p\nproviders: {local: {type: local}}\ndataset: {d: {source: rows.jsonl}}\n"
        f"tuning_job:\n{jobs}\n",
        encoding="utf-8",
    )
    project = load(tmp_path, environ={}, env="default").project
    assert sum(r.address.kind == "tuning_job" for r in project.resources) == count
    assert len(asked) < 10 * count, "thousands in a line would take hours"
