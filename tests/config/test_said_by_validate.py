"""What a plan would refuse or warn of is told by `validate` already, once, and in words."""

from datetime import date

import pytest

from tests.config.making import TODAY, loaded, project
from tunectl.catalog.base_models import find, names
from tunectl.core.errors import ConfigError, Severity
from tunectl.server.clouds.vertex import bases

JOB = """
project: pomoc
providers:
  cloud: {{{provider}}}
dataset:
  support: {{source: data/rows.jsonl}}
tuning_job:
  support: {{base_model: {base}, data: dataset.support}}
"""
ENDPOINT = """
project: pomoc
providers:
  cloud: {{{provider}}}
endpoint:
  support: {{model: {model}{more}}}
"""
VERTEX = "type: vertex, project: acme, location: europe-west4, staging: 'gs://acme-tuning'"
BEDROCK = (
    "type: bedrock, region: us-east-1, staging: 's3://acme/a', "
    "role_arn: 'arn:aws:iam::123456789012:role/tuning'"
)
AZURE = (
    "type: openai, profile: azure, key_env: KEY, base_url: 'https://acme.openai.azure.com{path}'"
)
KEY = "sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34"


def told(root, text, now=TODAY):
    """Everything but the number of rows, which is few on purpose."""
    try:
        found = loaded(project(root, text), now=now).project.warnings
    except ConfigError as error:
        found = error.diagnostics
    return [d for d in found if d.code not in {"few-rows", "row-count"}]


def job(provider, base):
    return JOB.format(provider=provider, base=base)


def endpoint(provider, model, more=""):
    return ENDPOINT.format(provider=provider, model=model, more=more)


def test_a_job_on_a_retired_base_carries_what_is_still_there(tmp_path):
    text = job("type: openai", "gpt-3.5-turbo")
    [warning] = told(tmp_path, text)
    assert warning.code == "base-retired"
    assert "`gpt-4.1-mini-2025-04-14`" in warning.hint
    assert warning.hint.startswith("trained there until 2027-01-06: ")
    [made] = [r for r in loaded(tmp_path).project.resources if r.address.kind == "tuning_job"]
    assert made.retired == f"{warning.summary}; {warning.hint}"


def test_a_base_that_soon_takes_no_jobs_says_that_none_there_lasts_longer(tmp_path):
    [warning] = told(tmp_path, job("type: openai", "gpt-4o-2024-08-06"))
    assert warning.code == "base-closing"
    assert warning.hint.endswith("none is trained there for longer; move to another provider")


@pytest.mark.parametrize("context", ["", ":200k"])
def test_the_last_tunable_claude_names_what_bedrock_trains_now(tmp_path, context):
    base = f"anthropic.claude-3-haiku-20240307-v1:0{context}"
    said = told(tmp_path, job(BEDROCK, base))
    [warning] = [d for d in said if d.code == "base-retired"]
    assert warning.hint.startswith("trained there now: ")
    assert "`amazon.nova-2-lite-v1:0:256k`" in warning.hint
    assert "claude" not in warning.hint


def test_a_model_of_another_maker_is_refused_under_vertex(tmp_path):
    [error] = told(tmp_path, job(VERTEX, "gpt-3.5-turbo"))
    assert error.severity is Severity.ERROR
    assert error.summary == "Google Vertex AI tunes Gemini models, and `gpt-3.5-turbo` is none"
    assert "`gemini-3.5-flash`" in error.hint
    assert "2.5" not in error.hint


def test_a_location_where_a_model_is_not_tuned_is_a_warning(tmp_path):
    assert told(tmp_path, job(VERTEX, "gemini-3.5-flash")) == []
    elsewhere = VERTEX.replace("europe-west4", "europe-central2")
    [warning] = told(tmp_path, job(elsewhere, "gemini-3.5-flash"))
    assert warning.code == "base-location"
    assert "`gemini-3.5-flash` in `europe-central2`" in warning.summary
    assert "`us-central1`" in warning.hint


def test_the_catalogue_and_the_stand_in_agree_on_locations():
    known = {m.id: m.regions for m in bases.PUBLISHED if m.tunes and not m.is_open}
    for name in names("vertex"):
        model = find("vertex", name)
        assert model is not None
        if model.shutdown is None:
            assert set(model.locations) == set(known[model.id])


def test_an_azure_endpoint_without_a_deployment_is_a_warning(tmp_path):
    provider = AZURE.format(path="/openai/v1")
    [warning] = told(tmp_path, endpoint(provider, "gpt-4.1.ft-abc"))
    assert warning.severity is Severity.WARNING
    assert "`endpoint.support` names none" in warning.summary
    assert "`deployment: …`" in warning.hint
    assert told(tmp_path, endpoint(provider, "gpt-4.1.ft-abc", ", deployment: obsługa")) == []


@pytest.mark.parametrize("path", ["", "/", "/v1", "/openai", "/openai/v1/chat"])
def test_an_address_of_azure_that_is_not_the_one_of_its_api_is_refused(tmp_path, path):
    [error] = told(tmp_path, endpoint(AZURE.format(path=path), "m", ", deployment: d"))
    assert "does not end in `/openai/v1`" in error.summary


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.openai.azure.com/openai/v1/",
        "https://acme.services.ai.azure.com/api/projects/p/openai/v1",
        "https://brama.example.pl/azure/v1",
        "http://127.0.0.1:8080/v1",
    ],
)
def test_other_addresses_of_azure_are_taken(tmp_path, url):
    provider = f"type: openai, profile: azure, key_env: KEY, base_url: '{url}'"
    assert told(tmp_path, endpoint(provider, "m", ", deployment: d")) == []


def test_a_retired_claude_is_a_warning_that_names_its_successor(tmp_path):
    text = endpoint("type: anthropic", "claude-3-haiku-20240307")
    [warning] = told(tmp_path, text, date(2026, 11, 22))
    assert (warning.code, warning.severity) == ("model-retired", Severity.WARNING)
    assert "was retired on 20" in warning.summary
    assert "use `claude-" in warning.hint
    assert told(tmp_path, text, date(2024, 6, 1)) == []


@pytest.mark.parametrize(
    ("provider", "before", "after", "words"),
    [
        (BEDROCK, "us-east-1", "Frankfurt", "`region` must be the code of a region of AWS"),
        (BEDROCK, "s3://acme/a", "acme", "`staging` must be a bucket of S3"),
        (BEDROCK, "arn:aws:iam", "iam", "`role_arn` must be the ARN of a role"),
        (VERTEX, "gs://", "s3://", "`staging` must be a bucket of Cloud Storage"),
        (VERTEX, "europe-west4", "Europa 4", "`location` must be the name of a location"),
    ],
)
def test_a_setting_of_another_form_is_told_in_words(tmp_path, provider, before, after, words):
    [error] = told(tmp_path, job(provider.replace(before, after), "gemini-3.5-flash"))
    assert error.summary.startswith(words)
    assert "^" not in error.summary + error.hint
    assert error.hint.startswith("such as `")


def test_an_unknown_base_of_bedrock_is_one_warning(tmp_path):
    from tunectl.providers.bedrock.limits import check_job

    [warning] = told(tmp_path, job(BEDROCK, "amazon.nova-zeta-v9:0"))
    assert warning.code == "base-unknown"
    [made] = [r for r in loaded(tmp_path).project.resources if r.address.kind == "tuning_job"]
    assert [d.code for d in check_job("cloud", "us-east-1", made)] == []


def test_of_a_broken_provider_nothing_is_said_that_depends_on_its_service(tmp_path):
    text = job("type: openai, timeout: soon", "gpt-3.5-turbo").replace("cloud", "openai")
    [error] = told(tmp_path, text)
    assert "`timeout` must be a whole number" in error.summary


def test_words_of_steps_name_no_provider_that_is_not_meant(tmp_path):
    text = job("type: openai", "gpt-4.1-mini, method: {train_steps: 3}")
    [error] = [d for d in told(tmp_path, text) if d.severity is Severity.ERROR]
    assert "`epochs:`" in error.hint
    assert "Gemini" not in error.hint


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("project: pomoc", f"project: pomoc\nlabels: {{team: {KEY}}}", "`labels` holds an API key"),
        ("base_model: m", f"labels: {{a: {KEY}}}, base_model: m",
         "`labels` of `tuning_job.support` holds an API key"),
        ("base_model: m", f"metadata: {{note: 'klucz {KEY}'}}, base_model: m",
         "`metadata` of `tuning_job.support` holds an API key"),
        ("project: pomoc", f"project: pomoc\nvariables: {{k: {{default: {KEY}}}}}",
         "the default of variable `k` holds an API key"),
        ("project: pomoc", f"project: pomoc\nvariables: {{k: {KEY}}}",
         "the default of variable `k` holds an API key"),
    ],
)  # fmt: skip
def test_a_key_in_labels_metadata_and_defaults_is_refused_and_not_shown(
    tmp_path, before, after, said
):
    text = job("type: local, trainer: simulated", "m")
    [error] = told(tmp_path, text.replace(before, after))
    assert (error.summary, error.code) == (said, "secret-in-file")
    assert KEY not in repr(error)
    assert error.source.line > 1


def test_long_words_are_no_keys(tmp_path):
    text = job("type: local, trainer: simulated", "m").replace(
        "base_model: m",
        "labels: {commit: 9fceb02d0ae598e95dc970b74767f19372d61af8}, base_model: m, "
        "metadata: {note: 'dwudziestopięcioznakowy-opis', key: sk-your-api-key-goes-here-12345}",
    )
    assert told(tmp_path, text) == []
