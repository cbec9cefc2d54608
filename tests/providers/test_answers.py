"""What the answers of several services have alike."""

import pytest

from tunectl.core.errors import UnavailableError
from tunectl.providers.answers import as_json, broken_off, finish_reason
from tunectl.providers.anthropic.chat import conversation


@pytest.mark.parametrize(
    ("stopped", "reason"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_tool_use", "malformed_tool_use"),
    ],
)
def test_an_end_has_one_name_whoever_tells_it(stopped, reason):
    assert finish_reason(stopped) == reason


def test_every_end_that_bedrock_knows_has_a_name_of_ours_or_is_an_error_of_the_model():
    import botocore.session

    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    kept = {one for one in service.shape_for("StopReason").enum if finish_reason(one) == one}
    assert kept == {"malformed_model_output", "malformed_tool_use"}


def test_frozen_values_become_what_json_knows():
    frozen = {"messages": ({"content": ("żółw", 1, None)},)}
    assert as_json(frozen) == {"messages": [{"content": ["żółw", 1, None]}]}


def test_an_answer_without_an_end_names_who_broke_it_off():
    error = broken_off("chmura", "model-1")
    assert isinstance(error, UnavailableError)
    assert "provider `chmura` broke off the answer of `model-1`" in str(error)


def test_words_of_the_developer_are_words_of_the_system_for_claude_too():
    said = conversation(
        [{"role": "developer", "content": "Krótko."}, {"role": "user", "content": "?"}]
    )
    assert said == {"system": "Krótko.", "messages": [{"role": "user", "content": "?"}]}
