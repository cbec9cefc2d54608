"""Accounts, credentials, models, answers and errors at Anthropic, through its real SDK."""

import json
import subprocess
import sys

import pytest

import tunectl
from tests.providers import network
from tunectl.core.errors import (
    ConfigError,
    CredentialsError,
    Exit,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
)
from tunectl.core.ports import Citation
from tunectl.providers.anthropic import connect
from tunectl.providers.anthropic.chat import conversation
from tunectl.server.clouds.world import Fault

MODEL = "claude-haiku-5-5"
SYSTEM = {"role": "system", "content": "Odpowiadaj krótko."}
ASK = {"role": "user", "content": "Gdzie jest paczka? Где посылка?"}
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")


def keep_requests(cloud):
    """Remember what the cloud is asked."""
    asked, answer = [], cloud.answer

    def remembering(request):
        asked.append(request)
        return answer(request)

    cloud.answer = remembering
    return asked


def test_the_account_is_the_organization_and_is_asked_for_once(claude, cloud, world):
    assert claude.account() == claude.account() == f"rehearsal/{cloud.organization}"
    assert [(c.method, c.path) for c in world.calls] == [("GET", "/v1/models")]


def test_a_workspace_is_another_account_and_goes_with_every_request(url, cloud):
    asked = keep_requests(cloud)
    provider = connect(name="claude", base_url=url, workspace="wrkspc_01")
    assert provider.account() == f"rehearsal/{cloud.organization}/wrkspc_01"
    assert asked[0].headers["anthropic-workspace-id"] == "wrkspc_01"
    assert asked[0].headers["user-agent"] == f"tunectl/{tunectl.__version__}"


def test_no_real_key_is_shown_to_a_server_of_this_machine(url, cloud, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-real")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "sk-ant-oat-real")
    asked = keep_requests(cloud)
    connect(name="claude", base_url=url, key_env="ANTHROPIC_API_KEY").account()
    assert "real" not in str(asked[0].headers)


@pytest.fixture
def secure(url, tmp_path, monkeypatch):
    """The cloud behind TLS, where real keys are shown."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with network.tls(url, tmp_path) as (address, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        yield address


def test_without_credentials_the_variable_and_the_chain_are_named(secure):
    with pytest.raises(CredentialsError, match="`ANTHROPIC_API_KEY` is not set") as caught:
        connect(name="claude", base_url=secure).account()
    assert caught.value.exit is Exit.CREDENTIALS
    assert "ANTHROPIC_PROFILE" in caught.value.diagnostics[0].hint


def test_a_profile_that_is_not_there_is_a_matter_of_credentials(secure, monkeypatch, tmp_path):
    monkeypatch.setenv("ANTHROPIC_PROFILE", "firma")
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path / "none"))
    with pytest.raises(CredentialsError, match="no usable credentials") as caught:
        connect(name="claude", base_url=secure).account()
    assert caught.value.exit is Exit.CREDENTIALS


def test_a_declared_variable_that_is_not_set_is_named(secure):
    with pytest.raises(CredentialsError, match="`CLAUDE_KEY` is not set"):
        connect(name="claude", base_url=secure, key_env="CLAUDE_KEY").account()


def test_a_refused_key_is_a_matter_of_credentials_and_never_shown(secure, cloud, monkeypatch):
    cloud.keys = frozenset({"sk-ant-right"})
    monkeypatch.setenv("CLAUDE_KEY", "sk-ant-wrong")
    provider = connect(name="claude", base_url=secure, key_env="CLAUDE_KEY")
    with pytest.raises(CredentialsError, match="refused the key") as caught:
        provider.account()
    assert caught.value.exit is Exit.CREDENTIALS
    assert "sk-ant-wrong" not in repr(caught.value.diagnostics)
    monkeypatch.setenv("CLAUDE_KEY", "sk-ant-right")
    assert provider.account().endswith(cloud.organization)


def test_the_declared_key_wins_over_other_variables(secure, cloud, monkeypatch):
    cloud.keys = frozenset({"sk-ant-right"})
    monkeypatch.setenv("CLAUDE_KEY", "sk-ant-right")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-other")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "Authorization: Bearer other\nX-Team: a")
    asked = keep_requests(cloud)
    connect(name="claude", base_url=secure, key_env="CLAUDE_KEY").account()
    assert asked[0].headers["x-team"] == "a"


def test_the_sdk_s_own_chain_is_followed_where_no_key_is_named(
    secure, cloud, monkeypatch, tmp_path
):
    cloud.keys = frozenset({"token-of-the-machine", "token-of-the-profile"})
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "token-of-the-machine")
    assert connect(name="claude", base_url=secure).account()
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "token-of-the-profile")
    assert connect(name="claude", base_url=secure).account()


def test_the_user_s_proxy_is_gone_through(secure, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    with network.proxy() as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", address)
        connect(name="claude", base_url=secure).account()
    assert [f"https://{host}" for host in asked] == [secure]


def test_models_come_with_the_days_on_which_they_end(claude):
    found = {model.id: model for model in claude.models()}
    assert found["claude-sonnet-4-5-20250929"].shutdown_date == "2026-11-30"
    assert found[MODEL].shutdown_date is None
    assert "claude-sonnet-4-20250514" not in found


def test_a_list_without_data_is_no_empty_list(claude, cloud):
    from tunectl.server.clouds.wire import Answered

    cloud.answer = lambda _: Answered.of({"object": "something else"})
    with pytest.raises(UnavailableError, match="`data` is missing"):
        list(claude.models())


def test_an_answer_comes_in_pieces_and_ends_with_reason_and_counts(claude, cloud):
    asked = keep_requests(cloud)
    pieces = list(claude.chat(MODEL, [SYSTEM, ASK], stop="Gdzie, jest", max_tokens=60))
    assert len(pieces) > 4
    assert "".join(p.text for p in pieces).endswith("Где посылка?")
    last = pieces[-1]
    assert (last.finish_reason, last.text) == ("stop", "")
    assert last.prompt_tokens == claude.count_tokens(MODEL, [SYSTEM, ASK])
    assert last.completion_tokens > 5
    body = asked[0].json()
    assert body["system"] == "Odpowiadaj krótko."
    assert body["messages"] == [ASK]
    assert (body["stop_sequences"], body["max_tokens"]) == (["Gdzie, jest"], 60)


def test_without_a_longest_answer_one_is_named_because_the_service_wants_it(claude, cloud):
    asked = keep_requests(cloud)
    list(claude.chat(MODEL, [ASK]))
    assert asked[0].json()["max_tokens"] == 4096


def test_an_answer_that_is_cut_says_so(claude):
    assert list(claude.chat(MODEL, [ASK], max_tokens=3))[-1].finish_reason == "length"


def test_cached_tokens_are_told_and_are_part_of_what_was_read(claude):
    block = {"type": "text", "text": "zasada " * 1200, "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "system", "content": (block,)}, SYSTEM, ASK]
    first, second = (list(claude.chat(MODEL, messages))[-1] for _ in range(2))
    assert (first.cache_written_tokens, first.cache_read_tokens) == (1200, 0)
    assert (second.cache_written_tokens, second.cache_read_tokens) == (0, 1200)
    assert first.prompt_tokens == second.prompt_tokens > 1200


def test_system_messages_stand_apart_in_their_order():
    later = {"role": "system", "content": "Po polsku."}
    said = conversation([SYSTEM, ASK, later])
    assert said == {"system": "Odpowiadaj krótko.\n\nPo polsku.", "messages": [ASK]}
    block = {"type": "text", "text": "x"}
    mixed = conversation([{"role": "system", "content": (block,)}, later, ASK])
    assert mixed["system"] == [block, {"type": "text", "text": "Po polsku."}]
    assert conversation([ASK]) == {"messages": [ASK]}


def test_a_sampling_parameter_is_sent_although_the_sdk_has_it_no_more(claude):
    assert list(claude.chat("claude-haiku-4-5", [ASK], temperature=0.0))
    with pytest.raises(InvalidRequestError, match="temperature"):
        list(claude.chat(MODEL, [ASK], temperature=0.0))


def test_a_deprecated_model_answers_without_a_warning_of_the_sdk(claude):
    assert list(claude.chat("claude-sonnet-4-5", [ASK]))


def test_a_retired_model_is_not_found(claude):
    with pytest.raises(NotFoundError, match="claude-sonnet-4-0"):
        list(claude.chat("claude-sonnet-4-0", [ASK]))


def test_an_answer_that_breaks_off_is_no_answer(claude, cloud):
    from tunectl.server.clouds.wire import Answered

    event = b'event: message_start\ndata: {"type": "message_start", "message": {"usage": {}}}\n\n'
    head = {"content-type": "text/event-stream"}
    cloud.answer = lambda _: Answered(200, headers=head, pieces=[event])
    with pytest.raises(UnavailableError, match="broke off"):
        list(claude.chat(MODEL, [ASK]))


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("overloaded_error", UnavailableError),
        ("api_error", UnavailableError),
        ("rate_limit_error", RateLimitError),
        ("invalid_request_error", InvalidRequestError),
        ("permission_error", CredentialsError),
    ],
)
def test_an_error_in_the_middle_of_an_answer_is_ours(claude, cloud, type_, kind):
    from tunectl.server.clouds.wire import Answered

    error = {"type": "error", "error": {"type": type_, "message": "za dużo naraz"}}
    data = f"event: error\ndata: {json.dumps(error)}\n\n".encode()
    head = {"content-type": "text/event-stream"}
    cloud.answer = lambda _: Answered(200, headers=head, pieces=[data])
    with pytest.raises(kind, match="za dużo naraz"):
        list(claude.chat(MODEL, [ASK]))


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("status", status=529, times=9), UnavailableError),
        (Fault("status", status=500, times=9), UnavailableError),
        (Fault("status", status=401), CredentialsError),
        (Fault("status", status=402), InvalidRequestError),
        (Fault("status", status=403), CredentialsError),
        (Fault("status", status=400), InvalidRequestError),
        (Fault("status", status=404), NotFoundError),
        (Fault("reset", times=9), UnavailableError),
        (Fault("lost", times=9), UnavailableError),
        (Fault("half", times=9), UnavailableError),
        (Fault("status", status=429, headers={"retry-after": "3000"}), RateLimitError),
    ],
)
def test_whatever_goes_wrong_is_one_of_ours(claude, world, fault, kind):
    world.faults.append(fault)
    with pytest.raises(kind):
        list(claude.models())


def test_what_passes_by_itself_is_asked_again(claude, world):
    world.faults += [Fault("status", status=529), Fault("reset")]
    assert list(claude.models())
    assert len(world.calls) == 3


def test_a_busy_service_is_left_alone_for_as_long_as_it_asks(claude, world):
    slept, clock = [], [1000.0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    claude.link.pace._clock, claude.link.pace._sleep = lambda: clock[0], sleep
    world.faults.append(Fault("status", status=429, headers={"retry-after": "7"}))
    assert claude.account()
    assert sum(slept) == pytest.approx(7, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"key_evn": "K"}, "did you mean `key_env`?"),
        ({"base_url": "api.anthropic.com"}, "is not a URL"),
        ({"key_env": "sk-ant-api03"}, "is not the name"),
        ({"timeout": "soon"}, "number of seconds"),
        ({"workspace": 3}, "must be a text"),
    ],
)
def test_a_senseless_setting_is_refused_by_name(settings, words):
    with pytest.raises(ConfigError) as caught:
        connect(name="claude", **settings)
    (found,) = caught.value.diagnostics
    assert words in f"{found.summary} {found.hint}"


def test_the_address_is_that_of_the_api_or_of_the_sdk_s_variable(monkeypatch):
    assert connect(name="claude").link.url == "https://api.anthropic.com"
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://gateway.acme.example/anthropic/v1")
    assert connect(name="claude").link.url == "https://gateway.acme.example/anthropic"


def test_it_manages_endpoints_and_nothing_that_trains():
    assert set(connect(name="claude").handlers) == {"endpoint"}


def test_connecting_imports_no_sdk():
    code = (
        "import sys; from tunectl.providers.anthropic import connect; connect(name='claude');"
        "assert not {'anthropic', 'httpx2', 'openai'} & sys.modules.keys()"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def document(text, **more):
    source = {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "document", "source": source, **more}


def test_what_an_answer_rests_on_is_told(claude):
    cited = {"citations": {"enabled": True}}
    blocks = [document("Zwrot w 14 dni.", title="zwroty.md", **cited), document("Inne.", **cited)]
    body = {"messages": [{"role": "user", "content": [*blocks, {"type": "text", "text": "Ile?"}]}]}
    told = [one for piece in claude.answer(MODEL, body) for one in piece.citations]
    assert told[0] == Citation(text="Zwrot w 14 dni.", title="zwroty.md", index=0)
    assert [one.index for one in told] == [0, 1]
    blocks[1].pop("citations")
    with pytest.raises(InvalidRequestError, match="all of the documents or on none"):
        list(claude.answer(MODEL, body))


def test_a_whole_request_is_sent_as_it_is(claude, cloud):
    asked = keep_requests(cloud)
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 4}}}
    form = {"format": {"type": "json_schema", "schema": schema}}
    body = {"system": "Krótko.", "messages": [ASK], "max_tokens": 7, "output_config": form}
    pieces = list(claude.answer(MODEL, body, max_tokens=90))
    assert json.loads("".join(piece.text for piece in pieces)) == {"n": 4}
    sent = asked[0].json()
    assert {**body, "max_tokens": 90} == {k: v for k, v in sent.items() if k in body}
    assert (claude.dialect, claude.structured) == ("anthropic", True)
