"""A prompt asks the tuned model as it was taught, and shows no row of the test split."""

import json

import pytest

from tests.config.making import loaded, project, write
from tunectl.core.errors import ConfigError, Exit, Severity

TEXT = """
project: x
default_provider: local
providers:
  local: {{}}
dataset:
  support:
    source: data/own.jsonl
    split: {{validation: 10%, test: 20%}}
    {checks}
tuning_job:
  support: {{base_model: smollm2-135m-instruct, data: dataset.support}}
endpoint:
  support: {{model: tuning_job.support}}
prompt_template:
  support:
    model: {model}
    inputs: {{question: {{type: string}}}}
    sections:
      {sections}
      - {{id: ask, role: user, template: "{{{{ question }}}}"}}
"""
TAUGHT = "Jesteś pomocnikiem sklepu «Żółw»."
SYSTEM = '- {{id: system, role: system, template: "{}"}}'
SHOTS = "- {{id: shots, role: examples, examples: dataset.support.{}, max: 2}}"


@pytest.fixture
def diagnostics(tmp_path):
    """What is said of a project whose training rows have this system message, or none."""

    def run(*sections, taught=TAUGHT, model="endpoint.support", checks=""):
        text = TEXT.format(sections="\n      ".join(sections), model=model, checks=checks)
        root = project(tmp_path, text)
        write(root, "data/own.jsonl", "".join(line(n, taught) + "\n" for n in range(120)))
        try:
            found = loaded(root).project.warnings
        except ConfigError as error:
            found = error.diagnostics
        return [d for d in found if d.code in {"other-system", "examples-in-test"}]

    return run


def line(number, taught):
    system = [{"role": "system", "content": taught}] if taught else []
    answer = f"Przesyłka {number * 31} dotrze za {number + 2} dni, numer {number * 7919}."
    messages = [
        *system,
        {"role": "user", "content": f"Gdzie jest paczka numer {number * 104729}?"},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages}, ensure_ascii=False)


def test_the_system_message_that_was_taught_is_right(diagnostics):
    assert diagnostics(SYSTEM.format(TAUGHT)) == []


def test_another_system_message_refuses(diagnostics):
    [found] = diagnostics(SYSTEM.format("Jesteś pomocnikiem."))
    assert (found.code, found.severity, found.exit) == (
        "other-system",
        Severity.ERROR,
        Exit.REFUSED,
    )
    assert found.address == "prompt_template.support"
    assert "`dataset.support`" in found.summary
    assert TAUGHT not in f"{found.summary}{found.detail}{found.hint}"


def test_a_prompt_without_the_system_message_every_row_has_refuses(diagnostics):
    [found] = diagnostics()
    assert found.severity is Severity.ERROR
    assert "no system message" in found.summary


def test_a_system_message_that_no_row_has_is_a_warning(diagnostics):
    [found] = diagnostics(SYSTEM.format("Odpowiadaj krótko."), taught="")
    assert (found.severity, found.exit) == (Severity.WARNING, Exit.DONE)


def test_it_is_found_through_the_job_itself_and_only_of_tuned_models(diagnostics):
    other = SYSTEM.format("Inaczej.")
    assert len(diagnostics(other, model="tuning_job.support")) == 1
    assert diagnostics(other, model="smollm2-135m-instruct") == []


def test_a_system_message_with_inputs_cannot_be_compared(diagnostics):
    assert diagnostics(SYSTEM.format("Pytanie brzmi: {{ question }}")) == []


def test_the_dataset_may_allow_it(diagnostics):
    allowed = 'checks: {allow: {D15: "inny ton w sieci"}}'
    assert diagnostics(SYSTEM.format("Inaczej."), checks=allowed) == []


def test_examples_of_the_test_split_refuse(diagnostics):
    system = SYSTEM.format(TAUGHT)
    assert diagnostics(system, SHOTS.format("train")) == []
    [found] = diagnostics(system, SHOTS.format("test"))
    assert (found.code, found.exit) == ("examples-in-test", Exit.REFUSED)
