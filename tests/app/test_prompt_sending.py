"""One prompt with everything in it, sent through each provider's real SDK to a cloud on loopback.

The clouds check what they are sent: Bedrock against botocore's service model, Vertex against its
messages, Anthropic and OpenAI against the fields of their SDKs.
"""

import json
from contextlib import contextmanager

import pytest

from tests.prompts.trees import ASK, prompt, turns
from tests.providers.bedrock.cloud import NOVA, connected, running
from tests.providers.vertex.conftest import BASE
from tests.providers.vertex.conftest import clouds as clouds  # a fixture
from tunectl.app.prompt_running import Target, answer, check_answer, request
from tunectl.core.errors import ConfigError
from tunectl.server.clouds.anthropic import Anthropic
from tunectl.server.clouds.openai import OpenAI
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["zwrot", "inne"]},
        "why": {"type": "string"},
    },
    "required": ["label", "why"],
    "additionalProperties": False,
}
LONG = "Zasada numer jeden: odpowiadaj grzecznie. " * 700
SECTIONS = (
    {"id": "system", "role": "system", "template": LONG, "breakpoint": True},
    {"id": "shots", "role": "examples", "messages": turns(1, "Przykład")},
    {"id": "profile", "role": "profile"},
    {"id": "history", "role": "history"},
    {"id": "docs", "role": "documents", "knowledge": "manual"},
    ASK,
)
GIVEN = {
    "user": "anna",
    "session": "s1",
    "profile": {"name": "Anna <b>", "language": "pl"},
    "history": turns(2),
    "documents": [{"text": "Zwrot w 14 dni.", "source": "zwroty.md"}],
    "question": "Czy mogę oddać żółwia?",
}


@contextmanager
def anthropic():
    from tunectl.providers.anthropic import connect

    world = World()
    with serving(Anthropic(world), world) as url:
        yield connect(name="claude", base_url=url), "claude-haiku-5-5"


@contextmanager
def openai(tmp_path):
    from tunectl.providers.openai import connect

    world = World()
    cloud = OpenAI(world, tmp_path / "cloud", "openai")
    with serving(cloud, world) as url:
        yield connect(name="cloud", base_url=f"{url}/v1", key_env="KEY"), "gpt-4o-mini-2024-07-18"
    cloud.close()


@contextmanager
def bedrock():
    with running() as amazon:
        yield connected(amazon), NOVA.rpartition(":")[0]
        assert amazon.bedrock.problems == []


@pytest.fixture(params=["anthropic", "openai", "bedrock", "gemini"])
def where(request, tmp_path, monkeypatch, clouds):
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KEY", "sk-test")
    match request.param:
        case "anthropic":
            opened = anthropic()
        case "openai":
            opened = openai(tmp_path)
        case "bedrock":
            opened = bedrock()
        case _:
            yield Target(provider="cloud", model=BASE, answers=clouds.connect())
            return
    with opened as (provider, model):
        yield Target(provider="cloud", model=model, answers=provider)


def sent(where, **fields):
    rendered = prompt(*SECTIONS, cache={"ttl": "5m"}, **fields).render(**GIVEN)
    return request(rendered, where.answers.dialect, where.model)


def test_every_service_takes_the_whole_prompt_and_caches_its_beginning(where):
    asked = sent(where)
    first, second = (list(answer(where, asked, {"max_tokens": 200})) for _ in range(2))
    assert "".join(piece.text for piece in first).endswith("Czy mogę oddać żółwia?")
    assert first[-1].cache_read_tokens == 0
    assert second[-1].cache_read_tokens > 4000
    assert second[-1].prompt_tokens == first[-1].prompt_tokens > second[-1].cache_read_tokens


def test_every_service_is_held_to_the_schema(where):
    asked = sent(where, output={"format": "json", "name": "answer", "schema": SCHEMA})
    text = "".join(piece.text for piece in answer(where, asked, {}))
    check_answer(SCHEMA, text)
    assert json.loads(text)["label"] == "zwrot"


def test_a_service_that_takes_no_schema_is_sent_none_and_its_answer_is_checked():
    made = prompt(ASK, output={"format": "json", "name": "answer", "schema": SCHEMA})
    rendered = made.render(question="?")
    asked = request(rendered, "openai", "m", structured=False, service="provider `local`")
    assert "response_format" not in asked.body
    assert asked.checked == SCHEMA
    assert asked.notes
    with pytest.raises(ConfigError, match=r"at `\$`: it breaks `required`"):
        check_answer(SCHEMA, '{"label": "zwrot"}')
