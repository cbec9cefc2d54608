"""Every exception class of the SDK has a rule of its own."""

import anthropic
import httpx2
import pytest

from tunectl.core.errors import ProviderError, UnknownOutcomeError
from tunectl.providers.anthropic.errors import hopeless, rules, translate
from tunectl.providers.attempt import Attempt

ATTEMPT = Attempt("claude", "list the models", changes=False)


def _below(kind):
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)


def _classes():
    # Those of tool runners and of Anthropic's agents are raised by code that is never called here.
    found = {c for c in _below(anthropic.AnthropicError) if c.__module__.startswith("anthropic")}
    return sorted((c for c in found if ".tools" not in c.__module__), key=lambda c: c.__name__)


@pytest.mark.parametrize("kind", _classes())
def test_every_class_of_the_sdk_has_a_rule_or_a_parent_that_says_as_much(kind):
    table = rules()
    if kind in table:
        return
    parents = [parent for parent in kind.__mro__[1:] if parent in table]
    assert parents
    assert issubclass(parents[0], anthropic.APIStatusError)
    assert parents[0] is not anthropic.APIStatusError


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 412, 413, 418, 422, 429, 431, 499, 500, 501, 529]
)
def test_every_status_becomes_an_error_that_is_a_definite_answer_or_a_later(status):
    request = httpx2.Request("GET", "https://api.anthropic.com/v1/models")
    response = httpx2.Response(status, json={"error": {"message": "nie"}}, request=request)
    client = anthropic.Anthropic(api_key="k", http_client=httpx2.Client(trust_env=False))
    error = client._make_status_error("nie", body=response.json(), response=response)
    found = translate(error, ATTEMPT)
    assert isinstance(found, ProviderError)
    assert not isinstance(found, UnknownOutcomeError)  # nothing is ever made here
    assert "nie" in str(found)


def test_control_characters_and_keys_are_not_shown():
    request = httpx2.Request("GET", "https://api.anthropic.com/v1/models")
    error = anthropic.APIConnectionError(message="sk-ant-1\x1b[31m bad", request=request)
    found = translate(error, ATTEMPT.hiding("sk-ant-1"))
    assert "sk-ant-1" not in repr(found.diagnostics)
    assert "\x1b" not in repr(found.diagnostics)


def test_the_names_of_spent_limits_are_those_of_the_sdk():
    from tunectl.providers.anthropic.errors import _SPENT

    for code in _SPENT:
        assert hopeless(f'{{"error": {{"details": {{"error_code": "{code}"}}}}}}'.encode())
    for body in (b"", b"[]", b'{"error": {"details": null}}', b'{"error": {"message": "x"}}'):
        assert not hopeless(body)
    import anthropic.types.shared as shared

    known = {
        field.annotation.__args__[0]
        for name in dir(shared)
        if name.endswith("ErrorDetails") and hasattr(getattr(shared, name), "model_fields")
        for key, field in getattr(shared, name).model_fields.items()
        if key == "error_code"
    }
    assert known >= _SPENT
