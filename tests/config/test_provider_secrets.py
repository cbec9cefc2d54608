"""What people write into `providers:` by mistake: it is refused, and it is not shown."""

import pytest

from tunectl.cli.main import run

SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCY"
GOOD = {
    "bedrock": "region: us-east-1, staging: 's3://acme/a', "
    "role_arn: 'arn:aws:iam::123456789012:role/tuning'",
    "vertex": "project: acme-ml, location: europe-west4, staging: 'gs://acme-tuning'",
    "openai": "key_env: TUNING_KEY",
}
MODELS = {
    "bedrock": "amazon.nova-lite-v1:0:300k",
    "vertex": "gemini-3.5-flash",
    "openai": "gpt-4.1-mini-2025-04-14",
}


@pytest.fixture
def validated(tmp_path, capsys, monkeypatch):
    for name in ("TUNECTL_ENV", "TUNING_KEY"):
        monkeypatch.delenv(name, raising=False)

    def write(type_, settings, model="", endpoint="serving: on_demand"):
        text = (
            "project: pomoc\nproviders:\n"
            f"  cloud: {{type: {type_}, {settings}}}\n"
            f"endpoint:\n  support: {{model: {model or MODELS[type_]}, {endpoint}}}\n"
        )
        (tmp_path / "tunectl.yaml").write_text(text, encoding="utf-8")
        code = run(["-C", str(tmp_path), "validate"])
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return write


@pytest.mark.parametrize(
    ("type_", "more", "hint"),
    [
        ("bedrock", f"aws_secret_access_key: {SECRET}", "the AWS SDK finds credentials itself"),
        ("bedrock", f"access_key: {SECRET}", "the AWS SDK finds credentials itself"),
        ("bedrock", f"aws_session_token: {SECRET}", "the AWS SDK finds credentials itself"),
        ("bedrock", f"aws_access_key_id: AKIA{SECRET}", "the AWS SDK finds credentials itself"),
        ("vertex", f"private_key: {SECRET}", "Google's SDK finds credentials itself"),
        ("openai", f"base_url: 'https://user:{SECRET}@tuning.example/v1'", "`key_env: CLOUD_"),
        ("openai", f"base_url: 'https://tuning.example/v1?api_key={SECRET}'", "`key_env: CLOUD_"),
    ],
)
def test_a_secret_is_refused_where_it_stands_and_never_shown(validated, type_, more, hint):
    code, shown = validated(type_, f"{GOOD[type_]}, {more}")
    assert code == 1
    assert f"`{more.partition(':')[0]}` of provider `cloud` holds a secret" in shown
    assert "tunectl.yaml:3:" in shown
    assert hint in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    "url",
    [
        "https://tuning.example/v1?api-version=2025-04-01",
        "https://${env.TUNING_USER}@tuning.example/v1",
        "https://tuning.example/v1?key=${env.TUNING_USER}",
    ],
)
def test_an_address_without_a_secret_of_its_own_is_taken(validated, url, monkeypatch):
    monkeypatch.setenv("TUNING_USER", "zespół")
    _, shown = validated("openai", f"{GOOD['openai']}, base_url: '{url}'")
    assert "holds a secret" not in shown


def test_a_provider_that_is_refused_does_not_put_the_blame_on_its_endpoints(validated):
    code, shown = validated("bedrock", GOOD["bedrock"].replace("arn:aws:iam", "iam"))
    assert code == 1
    assert "`role_arn` must be the ARN of a role" in shown
    assert "is Bedrock's" not in shown


def test_a_missing_cloud_project_is_not_called_after_ours(validated):
    code, shown = validated("vertex", GOOD["vertex"].replace("project: acme-ml, ", ""), endpoint="")
    assert code == 1
    assert "`providers.cloud` needs `project:`" in shown
    assert "helpdesk" not in shown


def test_a_model_that_is_gone_is_no_suggestion(tmp_path, capsys):
    rows = (f'{{"input_text": "Pytanie {n}", "output_text": "Ответ {n}"}}\n' for n in range(40))
    (tmp_path / "rows.jsonl").write_text("".join(rows), encoding="utf-8")
    (tmp_path / "tunectl.yaml").write_text(
        "project: pomoc\n"
        f"providers: {{vertex: {{{GOOD['vertex']}}}}}\n"
        "dataset: {support: {source: rows.jsonl}}\n"
        "tuning_job: {support: {base_model: gemini-1.0-pro-003, data: dataset.support}}\n",
        encoding="utf-8",
    )
    run(["-C", str(tmp_path), "validate"])
    hint = capsys.readouterr().err.partition("hint: known are")[2]
    assert "`gemini-3.5-flash`" in hint
    assert "gemini-1.0" not in hint
