"""Whole requests to Converse, with what its prompt cache and citations say."""

import json

import pytest

from tests.providers.bedrock.cloud import NOVA
from tunectl.core.errors import InvalidRequestError
from tunectl.core.ports import Citation
from tunectl.providers.bedrock.chat import _citation, _counts

MODEL = NOVA.rpartition(":")[0]
ASK = {"role": "user", "content": [{"text": "Gdzie jest żółw?"}]}


def test_a_whole_request_is_sent_as_it_is(amazon, provider):
    schema = json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}})
    form = {"type": "json_schema", "structure": {"jsonSchema": {"name": "a", "schema": schema}}}
    body = {"messages": [ASK], "outputConfig": {"textFormat": form}}
    pieces = list(provider.answer(MODEL, body, max_tokens=40))
    assert json.loads("".join(piece.text for piece in pieces)) == {"n": 0}
    assert (provider.dialect, provider.structured) == ("bedrock", True)
    assert amazon.bedrock.problems == []


def test_cached_tokens_are_told_and_are_part_of_what_was_read(amazon, provider):
    system = [{"text": "zasada " * 1200}, {"cachePoint": {"type": "default"}}]
    body = {"system": system, "messages": [ASK]}
    first, second = (list(provider.answer(MODEL, body))[-1] for _ in range(2))
    assert (first.cache_written_tokens, first.cache_read_tokens) == (1200, 0)
    assert (second.cache_written_tokens, second.cache_read_tokens) == (0, 1200)
    assert first.prompt_tokens == second.prompt_tokens > 1200
    assert amazon.bedrock.problems == []


def test_too_many_cache_points_are_refused(provider):
    point = {"cachePoint": {"type": "default"}}
    system = [one for _ in range(5) for one in ({"text": "zasada"}, point)]
    with pytest.raises(InvalidRequestError, match="cache points"):
        list(provider.answer(MODEL, {"system": system, "messages": [ASK]}))


def test_a_service_that_caches_nothing_says_no_cached_tokens():
    assert _counts({"inputTokens": 5, "outputTokens": 2}).prompt_tokens == 5


def test_a_citation_names_its_document():
    said = {
        "title": "zwroty",
        "sourceContent": [{"text": "14 "}, {"text": "dni"}],
        "location": {"documentChunk": {"documentIndex": 1, "start": 0, "end": 1}},
    }
    assert _citation(said) == Citation(text="14 dni", title="zwroty", index=1)
    web = {"location": {"web": {"url": "https://a"}}}
    assert _citation(web) == Citation(source="https://a")
