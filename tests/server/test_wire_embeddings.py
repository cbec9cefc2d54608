"""`/v1/embeddings` through OpenAI's own client."""

import openai
import pytest

MODEL = "multilingual-e5-small"


@pytest.fixture
def packed(server):
    """A client that does not check answers: the specification leaves out base64, the SDK's own."""
    with openai.OpenAI(
        base_url=server.endpoint.url, api_key=server.endpoint.token, max_retries=0
    ) as client:
        yield client


def nearness(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_the_sdk_gets_vectors_of_length_one_in_the_order_of_the_texts(server):
    texts = ["query: kiedy przyjdzie paczka", "passage: Kurier jest za trzy dni.", "Kot śpi."]
    found = server.client.embeddings.create(model=MODEL, input=texts, encoding_format="float")
    assert [one.index for one in found.data] == [0, 1, 2]
    asked, right, wrong = (one.embedding for one in found.data)
    assert len(asked) == 384
    assert nearness(asked, asked) == pytest.approx(1.0, abs=1e-4)
    assert nearness(asked, right) > nearness(asked, wrong)
    assert found.usage.prompt_tokens == found.usage.total_tokens > 10


def test_floats_and_base64_are_the_same_numbers(server, packed):
    as_text = server.client.embeddings.create(model=MODEL, input="Ёлка", encoding_format="float")
    by_default = packed.embeddings.create(model=MODEL, input="Ёлка")
    assert as_text.data[0].embedding == pytest.approx(by_default.data[0].embedding)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"input": []}, "input"),
        ({"input": ["tekst", ""]}, "input"),
        ({"input": [1, 2, 3]}, "input"),
        ({"input": ["x"] * 2049}, "input"),
        ({"dimensions": 100}, "dimensions"),
        ({"extra_body": {"colour": "red"}}, "colour"),
        ({"encoding_format": "int8"}, "encoding_format"),
    ],
)
def test_what_cannot_be_embedded_names_its_parameter(server, more, param):
    with pytest.raises(openai.BadRequestError) as caught:
        server.client.embeddings.create(**{"model": MODEL, "input": "tekst", **more})
    assert caught.value.param == param


def test_a_model_that_makes_no_embeddings_is_not_found(server):
    with pytest.raises(openai.NotFoundError, match="multilingual-e5-small") as caught:
        server.client.embeddings.create(model="text-embedding-3-small", input="tekst")
    assert caught.value.code == "model_not_found"


def test_a_model_that_is_not_installed_names_what_installs_it(monkeypatch):
    from tunectl.server.api_embeddings import create
    from tunectl.server.wire import ApiError, Call

    monkeypatch.setattr("tunectl.retrieval.embedding.find_spec", lambda name: None)
    with pytest.raises(ApiError, match=r"tunectl\[retrieval\]") as caught:
        create(None, Call(raw=b'{"model": "multilingual-e5-small", "input": "x"}'))
    assert caught.value.body()["error"]["code"] == "model_not_installed"
