"""Prompts at Bedrock: a draft that is compared as a whole, and one version of each text."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from tests.contracts.handler_contract import (
    HandlerContract,
    Rows,
    Subject,
    chat_rows,
    new_op,
    request_for,
    settled,
)
from tests.e2e.inprocess import Result, command
from tests.providers.bedrock.cloud import Amazon, connected, running
from tunectl.core.errors import ConflictError, Exit, InvalidRequestError, UnknownOutcomeError
from tunectl.core.resource import Resource, Status
from tunectl.core.value import Address
from tunectl.server.clouds.world import Fault, World

MODEL = "amazon.nova-lite-v1:0"
SYSTEM = {"section": "system", "role": "system", "text": "Pomagasz. {{greeting}}"}
SHOTS = {
    "section": "shots",
    "examples": {"dataset": "dataset.support", "split": "train", "sha256": "a" * 64},
    "max": 1,
    "select": "fixed",
}
ASK = {"section": "ask", "role": "user", "text": "Вопрос: {{question}}", "names": ("question",)}


def publication(name="support", text="Pomagasz. {{greeting}}", **more):
    spec = {
        "name": name,
        "model": MODEL,
        "sha256": f"sha-{len(text)}",
        "messages": ({**SYSTEM, "text": text, "names": ("greeting",)}, SHOTS, ASK),
        "form": {"inputs": {}},
        **more,
    }
    resource = Resource(
        address=Address.of("publication", "obsługa", key=f"aws/{name}"),
        provider="aws",
        spec=spec,
        immutable=frozenset({"name"}),
        inputs=frozenset({"messages", "form"}),
        outputs=("name", "version"),
    )
    return resource, spec


def wanted(**more):
    return request_for(*publication(**more), reader=chat_rows())


def again(prior, **more):
    request = wanted(**more)
    return replace(request, prior=prior, mark=replace(request.mark, op=new_op()))


class TestPublicationsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider):
        number = itertools.count()
        return Subject(
            provider,
            "publication",
            lambda: wanted(name=f"support-{next(number)}"),
            changed=lambda request: {
                **request.spec,
                "sha256": "other",
                "model": "amazon.nova-pro-v1:0",
            },
        )


@pytest.fixture
def handler(provider):
    return provider.handlers["publication"]


@pytest.fixture
def agent(amazon):
    return amazon.client("bedrock-agent")


def made(handler, **more):
    return settled(handler, handler.create(wanted(**more)))


def versions(amazon):
    [one] = amazon.bedrock.shelf.kept_prompts.values()
    return sorted(one.versions)


def test_a_version_holds_the_conversation_and_the_names_of_its_values(handler, agent):
    instance = made(handler)
    there = agent.get_prompt(promptIdentifier=instance.outputs["arn"])
    assert there["version"] == "1"
    [variant] = there["variants"]
    chat = variant["templateConfiguration"]["chat"]
    assert chat["system"] == [{"text": "Pomagasz. {{greeting}}"}]
    assert [(m["role"], [c["text"] for c in m["content"]]) for m in chat["messages"]] == [
        ("user", ["Jak zwrócić zamówienie nr 0?"]),
        ("assistant", ["Proszę odesłać paczkę 0. Pozdrawiamy!"]),
        ("user", ["Вопрос: {{question}}"]),
    ]
    assert [one["name"] for one in chat["inputVariables"]] == ["greeting", "question"]
    assert variant["modelId"] == MODEL


def test_an_application_asks_by_the_version_s_arn_and_gives_values_alone(handler, amazon):
    arn = made(handler).outputs["arn"]
    runtime = amazon.client("bedrock-runtime")
    values = {"question": {"text": "Где {{заказ}}?"}, "greeting": {"text": "Witaj"}}
    answer = runtime.converse(modelId=arn, promptVariables=values)
    assert "Вопрос: Где {{заказ}}?" in answer["output"]["message"]["content"][0]["text"]
    with pytest.raises(runtime.exceptions.ValidationException, match="greeting has no value"):
        runtime.converse(modelId=arn, promptVariables={"question": {"text": "?"}})


def test_neighbours_of_one_role_are_one_message(handler, agent):
    both = ({"section": "a", "role": "user", "text": "A"}, ASK)
    instance = made(handler, messages=both)
    [variant] = agent.get_prompt(promptIdentifier=instance.id)["variants"]
    [message] = variant["templateConfiguration"]["chat"]["messages"]
    assert [one["text"] for one in message["content"]] == ["A", "Вопрос: {{question}}"]


def test_each_text_has_one_version_also_one_that_comes_back(handler, amazon):
    first = made(handler)
    second = settled(handler, handler.update(again(first, text="Jesteś miły. {{greeting}}")))
    assert (first.outputs["version"], second.outputs["version"]) == (1, 2)
    back = settled(handler, handler.update(again(second)))
    assert back.outputs["version"] == 1
    assert versions(amazon) == [1, 2]
    assert handler.read(back).spec["sha256"] == back.spec["sha256"]


def test_an_update_that_changes_nothing_sends_nothing(handler, amazon):
    first = made(handler)
    amazon.world.calls.clear()
    settled(handler, handler.update(again(first)))
    assert amazon.calls("PUT") == amazon.calls("POST") == []


@pytest.mark.parametrize("field", ["modelId", "text", "name", "variable", "default"])
def test_a_draft_that_somebody_changed_is_seen_and_put_back(handler, agent, amazon, field):
    first = made(handler)
    draft = agent.get_prompt(promptIdentifier=first.id)
    [variant] = draft["variants"]
    said = {"name": draft["name"], "defaultVariant": "tunectl", "variants": [variant]}
    chat = variant["templateConfiguration"]["chat"]
    if field == "modelId":
        variant["modelId"] = "amazon.nova-pro-v1:0"
    elif field == "text":
        chat["system"] = [{"text": "Z konsoli."}]
    elif field == "variable":
        chat["inputVariables"].append({"name": "extra"})
    elif field == "name":
        said["name"] = "inny"
    else:
        del said["defaultVariant"]
    agent.update_prompt(promptIdentifier=draft["id"], **said)
    seen = handler.read(first)
    assert seen.spec["sha256"] != first.spec["sha256"]
    now = settled(handler, handler.update(again(seen)))
    assert handler.read(now).spec["sha256"] == first.spec["sha256"]
    assert agent.get_prompt(promptIdentifier=first.id)["name"] == "support"
    assert versions(amazon) == [1]


def test_what_is_not_ours_in_a_draft_outlives_an_update(handler, amazon):
    first = made(handler)
    [draft] = amazon.bedrock.shelf.kept_prompts.values()
    key = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-1234-5678-9abc-def012345678"
    draft.said = {**draft.said, "customerEncryptionKeyArn": key}
    settled(handler, handler.update(again(first, text="Jesteś miły. {{greeting}}")))
    assert draft.said["customerEncryptionKeyArn"] == key
    assert [found.id for found in handler.find(replace(wanted().mark, op=first.op))] == [first.id]


def test_a_version_that_vanished_is_missed_and_made_again(handler, agent, amazon):
    first = made(handler)
    agent.delete_prompt(promptIdentifier=first.id, promptVersion="1")
    seen = handler.read(first)
    assert seen.spec["sha256"] == ""
    now = settled(handler, handler.update(again(seen)))
    assert now.outputs["version"] == 2
    assert versions(amazon) == [2]


@pytest.mark.parametrize("path", ["/prompts/$", "/versions$"])
@pytest.mark.parametrize(("how", "after"), [("lost", True), ("reset", False)])
def test_whatever_goes_unanswered_one_prompt_and_one_version_come_of_it(
    handler, amazon, path, how, after
):
    amazon.world.faults.append(Fault(how, method="POST", path=path, after=after))
    request = wanted()
    try:
        instance = handler.create(request)
    except UnknownOutcomeError:
        found = [*handler.find(request.mark)]
        instance = found[0] if found else handler.create(request)
    instance = replace(instance, spec=request.spec)
    try:
        instance = settled(handler, instance)
    except UnknownOutcomeError:
        instance = settled(handler, instance)
    assert instance.status is Status.READY
    assert versions(amazon) == [1]


def test_a_draft_that_is_changed_while_it_is_published_makes_no_version(handler, agent, amazon):
    instance = handler.create(wanted())
    draft = agent.get_prompt(promptIdentifier=instance.id)
    draft["variants"][0]["modelId"] = "amazon.nova-pro-v1:0"
    said = {key: draft[key] for key in ("name", "defaultVariant", "variants")}
    agent.update_prompt(promptIdentifier=draft["id"], **said)
    failed = settled(handler, instance)
    assert failed.status is Status.FAILED
    assert "somebody else changed its draft" in failed.reason
    assert versions(amazon) == []


def test_what_others_made_of_the_prompt_stays(handler, agent, amazon):
    first = made(handler)
    agent.create_prompt_version(promptIdentifier=first.id, description="Ani, przed świętami")
    remains = handler.delete(first)
    assert "version 2" in remains.reason
    assert versions(amazon) == [2]


def test_a_name_that_somebody_has_is_refused(handler, agent):
    agent.create_prompt(name="support")
    with pytest.raises(ConflictError, match="already exists"):
        handler.create(wanted())


def test_an_example_with_a_variable_in_it_is_refused_and_not_quoted(handler, amazon):
    rows = [{"role": "user", "content": "tajne {{x}}"}, {"role": "assistant", "content": "?"}]
    with pytest.raises(InvalidRequestError, match="example 1 of section `shots`") as caught:
        handler.create(replace(wanted(), reader=Rows([{"messages": rows}])))
    assert "tajne" not in str(caught.value.diagnostics)
    assert amazon.bedrock.shelf.kept_prompts == {}


@pytest.mark.parametrize(
    "messages", [(SYSTEM,), ({"section": "a", "role": "assistant", "text": "A"}, ASK)]
)
def test_a_prompt_without_words_of_the_user_is_refused_offline(handler, messages):
    resource, _ = publication(messages=messages)
    [found] = handler.check(resource)
    assert "begins with words of the user" in found.summary


@dataclass
class Site:
    folder: Path
    amazon: Amazon
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def declare(self, system: str) -> None:
        sections = [
            {"id": "system", "role": "system", "template": system},
            {"id": "ask", "role": "user", "template": "{{ question }}"},
        ]
        template = {
            "model": MODEL,
            "inputs": {"question": "string"},
            "sections": sections,
            "publish": [{"to": "aws"}],
        }
        project = {
            "project": "pomoc",
            "providers": {"aws": {"type": "bedrock", **self.amazon.settings}},
            "prompt_template": {"support": template},
        }
        self.write("tunectl.yaml", yaml.safe_dump(project, allow_unicode=True, sort_keys=False))


def test_a_project_is_published_edited_healed_and_taken_away(tmp_path, capsys):
    with running(World(step=0.2)) as amazon:
        site = Site(tmp_path / "projekt żółw", amazon, capsys)
        site.declare("Pomagasz.")
        assert 'publication.support["aws/support"]' in site.run("plan").out
        site.run("apply", "--auto-approve")
        assert "No changes." in site.run("plan").out
        site.declare("Jesteś miły.")
        site.run("apply", "--auto-approve")
        assert versions(amazon) == [1, 2]
        agent = amazon.client("bedrock-agent")
        [draft] = amazon.bedrock.shelf.kept_prompts.values()
        agent.update_prompt(promptIdentifier=draft.id, name="support")
        assert "sha256" in site.run("drift", code=Exit.CHANGES).out
        site.run("apply", "--auto-approve")
        assert "No changes." in site.run("plan").out
        shown = json.loads(site.run("plan", "--format", "json").out)
        assert "Jesteś" not in json.dumps(shown.get("resource_drift", []), ensure_ascii=False)
        site.run("destroy", "--auto-approve")
        assert [one.kind for one in amazon.bedrock.left()] == []


def test_it_is_the_account_s_own(amazon):
    provider = connected(amazon)
    instance = made(provider.handlers["publication"])
    elsewhere = replace(instance, id=instance.id.replace("us-east-1", "eu-west-1"))
    with pytest.raises(ConflictError, match="lives in"):
        provider.handlers["publication"].read(elsewhere)
