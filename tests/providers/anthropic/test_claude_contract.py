"""The endpoint at Anthropic keeps the contract of every handler, and the dates of its models."""

from dataclasses import replace
from datetime import date

import pytest

from tests.contracts.handler_contract import (
    HandlerContract,
    Subject,
    endpoint_resource,
    request_for,
)
from tunectl.core.errors import InvalidRequestError, Severity

MODEL, NEWER = "claude-haiku-4-5", "claude-haiku-5-5"


class TestRecordsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, claude):
        return Subject(
            claude,
            "endpoint",
            lambda: request_for(*endpoint_resource("claude", MODEL)),
            changed=lambda _: {"model": NEWER},
            marked=False,
            vanishes=False,
        )


def checked(claude, model, today=date(2026, 11, 22), **more):
    resource, _ = endpoint_resource("claude", model)
    resource = replace(resource, spec={**resource.spec, **more})
    records = replace(claude.handlers["endpoint"], today=lambda: today)
    return list(records.check(resource))


def test_its_outputs_say_how_claude_is_called(claude, url):
    request = request_for(*endpoint_resource("claude", MODEL))
    made = claude.handlers["endpoint"].create(request)
    assert made.outputs == {
        "model_id": MODEL,
        "base_url": f"{url}/v1",
        "invoke": f"{url}/v1/messages",
    }
    assert made.account == claude.account()


def test_a_retired_model_is_refused_with_its_successor(claude):
    (found,) = checked(claude, "claude-sonnet-4-0")
    assert (found.severity, found.code) == (Severity.ERROR, "model-retired")
    assert "was retired on 2026-06-15" in found.summary
    assert "`claude-sonnet-4-6`" in found.hint


def test_a_model_whose_end_is_announced_is_a_warning_until_that_day(claude):
    (found,) = checked(claude, "claude-sonnet-4-5-20250929")
    assert (found.severity, found.code) == (Severity.WARNING, "model-retiring")
    assert "2026-11-30" in found.summary
    assert "claude-sonnet-5-5" in found.hint
    (later,) = checked(claude, "claude-sonnet-4-5-20250929", date(2026, 11, 30))
    assert later.code == "model-retired"


def test_an_active_model_is_fine_and_an_unknown_one_a_warning(claude):
    assert checked(claude, NEWER) == []
    (found,) = checked(claude, "claude-99")
    assert (found.severity, found.code) == (Severity.WARNING, "model-unknown")


def test_settings_of_services_that_deploy_are_refused(claude):
    (found,) = checked(claude, NEWER, machine_type="g2-standard-12")
    assert (found.severity, found.code) == (Severity.ERROR, "provider-setting")
    assert "`machine_type`" in found.summary
    assert checked(claude, NEWER, machine_type=None) == []


def test_a_model_that_the_account_does_not_have_is_not_recorded(claude):
    request = request_for(*endpoint_resource("claude", "claude-99"))
    with pytest.raises(InvalidRequestError, match="has no model `claude-99`"):
        claude.handlers["endpoint"].create(request)


def test_nothing_is_sent_to_read_move_away_from_or_delete_one(claude, world):
    records = claude.handlers["endpoint"]
    request = request_for(*endpoint_resource("claude", MODEL))
    made = records.create(request)
    world.calls.clear()
    assert records.read(made) == made
    assert records.poll(made) is made
    assert records.delete(made) is None
    assert world.calls == []
