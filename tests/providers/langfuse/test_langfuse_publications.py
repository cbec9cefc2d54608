"""What stands at Langfuse after a publication, read back with Langfuse's own SDK."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import Rows, new_op
from tests.providers.langfuse.conftest import NAME, wanted
from tunectl.core.errors import (
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    UnknownOutcomeError,
)
from tunectl.server.clouds.world import Fault


@pytest.fixture
def handler(langfuse):
    return langfuse.handlers["publication"]


@pytest.fixture
def sdk(cloud, url):
    """Langfuse's own client; it keeps one for each public key for the life of the process."""
    from langfuse import Langfuse

    public = f"pk-lf-{new_op()}"
    cloud.keys[public] = "sk-lf-3"
    client = Langfuse(
        public_key=public, secret_key="sk-lf-3", base_url=url, tracing_enabled=False, timeout=10
    )
    yield client
    client.shutdown()


def changed(request, prior, **more):
    """The same publication, wanted otherwise."""
    again = wanted(**more)
    mark = replace(again.mark, op=new_op())
    return replace(again, prior=prior, mark=mark, reader=request.reader)


def by_hand(sdk, name=NAME, labels=(), text="Z konsoli."):
    return sdk.create_prompt(
        name=name, type="chat", prompt=[{"role": "system", "content": text}], labels=list(labels)
    )


def labels(cloud, name=NAME):
    return {one.version: {*one.labels} for one in cloud.shelf.versions(name)}


def test_an_application_compiles_what_was_published(handler, sdk):
    handler.create(wanted())
    prompt = sdk.get_prompt(NAME, type="chat", label="staging", cache_ttl_seconds=0)
    said = prompt.compile(
        greeting="Witaj, Zofio {{question}}!",
        question="Где мой заказ?",
        history=[{"role": "user", "content": "Dzień dobry"}, {"role": "assistant", "content": "?"}],
    )
    assert [(one["role"], one["content"]) for one in said] == [
        ("system", "Pomagasz klientom. Witaj, Zofio {{question}}!"),
        ("user", "Jak zwrócić zamówienie nr 0?"),
        ("assistant", "Proszę odesłać paczkę 0. Pozdrawiamy!"),
        ("user", "Dzień dobry"),
        ("assistant", "?"),
        ("user", "Где мой заказ?"),
    ]
    assert prompt.config["model"] == "gpt-4o"
    assert prompt.config["inputs"] == {"question": {"type": "string", "max_chars": 800}}
    assert prompt.commit_message.startswith("tunectl: support ")


def test_a_changed_text_is_a_new_version_to_which_the_labels_move(handler, cloud, sdk):
    request = wanted()
    first = handler.create(request)
    second = handler.update(changed(request, first, text="Jesteś miły. {{greeting}}"))
    assert (first.outputs["version"], second.outputs["version"]) == (1, 2)
    assert labels(cloud) == {1: set(), 2: {"staging", "latest"}}
    old = sdk.get_prompt(NAME, type="chat", version=1, cache_ttl_seconds=0)
    assert old.prompt[0]["content"] == "Pomagasz klientom. {{greeting}}"


def test_another_label_moves_without_another_version(handler, cloud):
    request = wanted()
    first = handler.create(request)
    now = handler.update(changed(request, first, labels=("staging", "production")))
    assert now.outputs == first.outputs
    assert labels(cloud) == {1: {"staging", "production", "latest"}}
    assert handler.read(now).spec["labels"] == ("staging", "production")


def test_a_label_that_is_not_declared_any_more_stays_behind(handler, cloud):
    request = wanted(labels=("staging", "beta"))
    first = handler.create(request)
    wish = changed(request, first, labels=("staging",))
    for _ in range(2):  # as after a crash before it was recorded
        now = handler.update(wish)
    assert now.outputs["version"] == 2
    assert labels(cloud) == {1: {"beta"}, 2: {"staging", "latest"}}


def test_an_update_that_was_cut_off_is_not_published_twice(handler, cloud, world):
    request = wanted()
    first = handler.create(request)
    wish = changed(request, first, text="Jesteś miły. {{greeting}}")
    world.faults.append(Fault("lost", method="POST", after=True))
    with pytest.raises(UnknownOutcomeError, match="does not say whether it did publish"):
        handler.update(wish)
    assert handler.update(wish).outputs["version"] == 2
    assert sorted(labels(cloud)) == [1, 2]


def test_a_create_without_an_answer_is_found_and_carries_its_labels(handler, cloud, world):
    request = wanted()
    world.faults.append(Fault("reset", method="POST", after=True))
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)
    [found] = handler.find(request.mark)
    assert (found.id, found.op) == (NAME, request.mark.op)
    assert labels(cloud) == {1: {"staging", "latest"}}


def test_a_label_that_somebody_moved_is_missed_and_moved_back(handler, cloud, sdk):
    request = wanted()
    first = handler.create(request)
    by_hand(sdk, labels=["staging"])
    seen = handler.read(first)
    assert seen.spec["labels"] == ()
    back = handler.update(changed(request, seen))
    assert back.outputs["version"] == 1
    assert labels(cloud)[1] == {"staging"}


def test_what_others_publish_under_the_name_stays(handler, cloud, sdk):
    by_hand(sdk, labels=["production"], text="Stary.")
    request = wanted()
    made = handler.create(request)
    made = handler.update(changed(request, made, text="Nowy. {{greeting}}"))
    by_hand(sdk, text="Nowszy.")
    assert made.outputs["version"] == 3
    assert handler.delete(made) is None
    assert sorted(labels(cloud)) == [1, 4]
    assert handler.read(made) is None
    assert labels(cloud)[1] == {"production"}


def test_a_version_that_somebody_promoted_is_not_taken_away(handler, cloud, sdk):
    request = wanted()
    first = handler.create(request)
    second = handler.update(changed(request, first, text="Nowy. {{greeting}}"))
    sdk.update_prompt(name=NAME, version=1, new_labels=["production"])
    remains = handler.delete(second)
    assert sorted(labels(cloud)) == [1]
    assert "version 1 with label production" in remains.reason


def test_a_number_that_was_given_again_is_not_ours(handler, cloud, sdk):
    made = handler.create(wanted())
    cloud.shelf.remove(NAME, cloud.shelf.versions(NAME))
    by_hand(sdk)
    assert handler.read(made) is None
    handler.delete(made)
    assert sorted(labels(cloud)) == [1]


def test_a_prompt_of_another_type_is_not_made_into_ours(handler, sdk):
    sdk.create_prompt(name=NAME, type="text", prompt="Stary.")
    with pytest.raises(InvalidRequestError, match="different prompt type"):
        handler.create(wanted())


def test_a_protected_label_is_refused_and_nothing_is_made(handler, cloud):
    cloud.protected = frozenset({"staging"})
    with pytest.raises(CredentialsError, match="protected") as caught:
        handler.create(wanted())
    assert "protection" in caught.value.diagnostics[0].hint
    assert labels(cloud) == {}


def test_an_example_that_would_be_read_as_a_variable_is_refused_and_not_quoted(handler, cloud):
    rows = Rows(
        [
            {
                "messages": [
                    {"role": "user", "content": "tajne {{ imie }}"},
                    {"role": "assistant", "content": "?"},
                ]
            }
        ]
    )
    with pytest.raises(InvalidRequestError, match="example 1 of section `shots`") as caught:
        handler.create(replace(wanted(), reader=rows))
    assert "tajne" not in str(caught.value.diagnostics)
    assert labels(cloud) == {}


def test_a_prompt_that_another_one_needs_is_not_deleted(handler, sdk, cloud):
    made = handler.create(wanted())
    by_hand(sdk, name="inny", text=f"@@@langfusePrompt:name={NAME}|version=1@@@")
    with pytest.raises(InvalidRequestError, match="depending on prompt versions"):
        handler.delete(made)
    assert 1 in labels(cloud)


def test_several_pages_are_looked_through(handler, cloud, sdk, monkeypatch):
    monkeypatch.setattr("tunectl.providers.langfuse.link.PAGE", 2)
    requests = [wanted(name=f"p{n}") for n in range(5)]
    made = [handler.create(request) for request in requests]
    assert [f.instance.id for f in handler.list()] == [one.id for one in made]
    assert [one.id for one in handler.find(requests[4].mark)] == ["p4"]


def test_a_list_does_not_vouch_for_labels_that_it_cannot_judge(handler, sdk):
    made = handler.create(wanted())
    sdk.update_prompt(name=NAME, version=1, new_labels=["production"])
    [found] = handler.list()
    assert found.instance.status.value == "pending"
    assert handler.read(made).spec["labels"] == ("staging",)


def test_what_is_gone_cannot_be_polled(handler, cloud):
    made = handler.create(wanted())
    cloud.shelf.remove(NAME, cloud.shelf.versions(NAME))
    with pytest.raises(NotFoundError, match="is gone"):
        handler.poll(made)
