"""A service that quotes the request in its error tells nobody what was sent."""

from __future__ import annotations

import json

import pytest

from tunectl.app.withholding import repeats, withholding
from tunectl.core.errors import CredentialsError, ProviderError

PROFILE = "<user_profile>\n<name>Żółwińska</name>\n<town>Łódź</town>\n</user_profile>"
QUESTION = "Когда придёт моя посылка номер 77?"
BODY = {"messages": [{"role": "system", "content": PROFILE}, {"role": "user", "content": QUESTION}]}


def refused(words, kind=ProviderError):
    def answer():
        yield "W "
        raise kind.of(f"provider `o` refused to answer with `m`: {words}", detail="status 400")

    return answer()


@pytest.mark.parametrize(
    "words",
    [
        f"Invalid request: {json.dumps(BODY, ensure_ascii=False)}",
        f"Invalid request: {json.dumps(BODY)}",
        f"near `{QUESTION[6:30]}`",
        "`Żółwińska` is not allowed",
        "name ŁÓDŹ is blocked",
        "<name>&#379;ółwińska</name>",
    ],
    ids=["json", "escaped", "cut", "a value", "large letters", "entities"],
)
def test_words_that_repeat_the_request_are_left_out(words):
    with pytest.raises(ProviderError) as caught:
        list(withholding(refused(words), [PROFILE, QUESTION]))
    [said] = caught.value.diagnostics
    assert said.summary == (
        "provider `o` refused to answer with `m`: its answer repeats what was sent and is left out"
    )
    assert said.detail == "status 400"
    assert caught.value.__cause__ is None


def test_other_words_stay_as_they_are_and_so_does_the_kind_of_the_error():
    words = "`max_tokens` is too large: 90000. This model supports at most 16384 tokens"
    with pytest.raises(CredentialsError) as caught:
        list(withholding(refused(words, CredentialsError), [PROFILE, QUESTION]))
    assert words in str(caught.value)
    assert caught.value.exit == CredentialsError.of("x").exit


def test_what_came_before_the_error_is_given():
    assert next(withholding(refused(QUESTION), [QUESTION])) == "W "
    assert list(withholding(iter("ab"), [QUESTION])) == ["a", "b"]


def test_a_short_word_within_another_one_is_no_repetition():
    assert not repeats("the latest model is busy", ["test", "a", ""])
    assert repeats("no such input: test", ["test"])
