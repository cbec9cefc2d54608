"""A project whose data is in buckets is rehearsed with stand-ins, and is told so."""

from __future__ import annotations

from contextlib import ExitStack

import orjson
import pytest

from tests.app.test_rehearsing_clouds import CLOUDS, broken
from tests.e2e.conftest import CONFIG, row
from tunectl.app import rehearsing_data
from tunectl.app.options import Options
from tunectl.app.rehearsing import rehearse
from tunectl.app.rehearsing_data import stand_in_data
from tunectl.app.rehearsing_rows import exchange, rows_for, shapes
from tunectl.core.errors import ConfigError, Exit, Severity
from tunectl.data.dataset import read
from tunectl.data.output import OutputSpec
from tunectl.data.shapes import shape_names
from tunectl.data.spec import DataSpec, SplitSpec

LOCAL = "source: data/rows.jsonl"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def declare(folder, source, more="", provider=None, base="simulated-1"):
    text = CONFIG.replace(LOCAL, f"source: '{source}'")
    assert text != CONFIG
    if provider is not None:
        text = text.replace("  local: {trainer: simulated}", f"  local: {provider}")
        text = text.replace("base_model: simulated-1", f"base_model: {base!r}")
    (folder / "tunectl.yaml").write_text(text + more, encoding="utf-8")


@pytest.mark.parametrize(
    "source", ["gs://acme-rows/ż/wiersze-*.jsonl", "s3://acme-rows/rows.jsonl.gz"]
)
def test_rows_in_a_bucket_are_stood_in_for_and_the_report_says_so(folder, source):
    declare(folder, source)
    done = rehearse(Options(root=folder))
    assert broken(done) == {}
    assert (done.exit, done.warnings) == (Exit.DONE, ())
    [note] = done.notes
    assert f"300 made-up rows stand in for `{source}`" in note
    assert "neither read nor checked" in note


@pytest.mark.parametrize(("name", "scheme"), [("vertex", "gs"), ("bedrock", "s3")])
def test_a_provider_has_buckets_of_its_own_beside_those_of_the_data(folder, name, scheme):
    _, provider, base = CLOUDS[name]
    declare(folder, f"{scheme}://acme-rows/x/*.jsonl", provider=provider, base=base)
    if name == "bedrock":
        path = folder / "tunectl.yaml"
        text = path.read_text(encoding="utf-8")
        served = "model: tuning_job.support\n    serving: on_demand"
        path.write_text(text.replace("model: tuning_job.support", served), encoding="utf-8")
    done = rehearse(Options(root=folder))
    assert broken(done) == {}
    assert len(done.notes) == 1
    assert [one.name for one in done.left if not one.record] == []


def test_a_sample_stands_in_where_rows_cannot_be_made_up(folder):
    source = "s3://acme/rows-*.jsonl"
    declare(folder, source)
    path = folder / "tunectl.yaml"
    text = path.read_text(encoding="utf-8").replace(
        f"source: '{source}'", f"source: '{source}'\n    checks: {{output: {{regex: 'Paczka .*'}}}}"
    )
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        rehearse(Options(root=folder))
    [diagnostic] = caught.value.diagnostics
    assert "match a pattern" in diagnostic.summary
    assert f"--sample '{source}=" in diagnostic.hint
    sample = folder / "próbka.jsonl"
    rows = [row(n, f"Paczka {n} jest w drodze") for n in range(40)]
    sample.write_text("\n".join(rows) + "\n", encoding="utf-8")
    done = rehearse(Options(root=folder), samples={source: sample})
    assert broken(done) == {}
    assert "`próbka.jsonl` stands in for" in done.notes[0]


def test_a_sample_that_stands_in_for_nothing_is_an_error_and_so_is_a_missing_one(folder):
    declare(folder, "s3://acme/rows.jsonl")
    with pytest.raises(ConfigError) as caught:
        rehearse(Options(root=folder), samples={"s3://acme/row.jsonl": folder / "a.jsonl"})
    assert caught.value.diagnostics[0].hint == "did you mean `s3://acme/rows.jsonl`?"
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        rehearse(Options(root=folder), samples={"s3://acme/rows.jsonl": folder / "a.jsonl"})


def test_documents_in_a_bucket_are_stood_in_for(folder):
    declare(
        folder,
        "gs://acme/rows.jsonl",
        "knowledge_base:\n  manual: {sources: ['gs://acme/docs/**/*.md', 's3://acme/faq.txt']}\n",
    )
    done = rehearse(Options(root=folder))
    assert broken(done) == {}
    told = "\n".join(done.notes)
    assert "3 made-up documents stand in for `gs://acme/docs/**/*.md`" in told
    assert "a made-up document stands in for `s3://acme/faq.txt`" in told


def test_other_addresses_than_buckets_are_refused_as_ever(folder):
    declare(folder, "https://example.com/rows.jsonl")
    with pytest.raises(ConfigError, match="`https` is not known"):
        rehearse(Options(root=folder))


def test_a_method_gets_rows_of_its_own_and_a_grader_its_keys(folder, monkeypatch):
    monkeypatch.setattr("os.environ", {})
    text = """
project: g
default_provider: cloud
providers:
  cloud: {type: openai, profile: bedrock-mantle, base_url: 'https://x.example/v1', key_env: K}
dataset:
  graded: {source: 's3://acme/g.jsonl'}
tuning_job:
  graded:
    base_model: openai.gpt-oss-20b
    data: dataset.graded
    method: {type: reinforcement, grader: {type: string_check, input: '{{ item.wynik }}'}}
"""
    (folder / "tunectl.yaml").write_text(text, encoding="utf-8")
    seen = []
    monkeypatch.setattr(
        rehearsing_data, "rows_for", lambda *asked: seen.append(asked) or rows_for(*asked)
    )
    with ExitStack() as stack:
        stand_in_data(Options(root=folder), {}, stack)
    [(spec, method, graded, name, numbers)] = seen
    assert (method, graded, name) == ("reinforcement", ("wynik",), "g.jsonl")
    first = orjson.loads(rows_for(spec, method, graded, name, numbers).splitlines()[0])
    assert set(first) == {"messages", "wynik"}


COLUMNS = {"input": "pytanie", "output": "odpowiedź", "system": "rola"}


@pytest.mark.parametrize("shape", shape_names())
def test_every_shape_has_made_up_rows_that_are_read_as_that_shape(folder, shape):
    spec = DataSpec(
        source="a.jsonl",
        format=shape,
        columns=COLUMNS if shape == "columns" else None,
        split=SplitSpec({"validation": 0.2, "test": 0.1}, group="klient"),
        strip=("klient", "numer"),
        keys=("numer",),
    )
    (folder / "a.jsonl").write_bytes(rows_for(spec, "", (), "a.jsonl", range(600, 900)))
    dataset, found = read(spec, folder)
    assert [d.summary for d in found if d.severity is not Severity.INFO] == []
    assert dataset.shape == shape
    assert sum(split.rows for split in dataset.splits.values()) == 300
    assert min(split.rows for split in dataset.splits.values()) > 10
    plain = DataSpec(source="b.jsonl")
    if shape not in {"columns", "reinforcement", "bedrock"}:  # alike without a key, or a name
        (folder / "b.jsonl").write_bytes(rows_for(spec, "", (), "b.jsonl", range(5)))
        assert read(plain, folder)[0].shape == shape


def test_every_shape_that_is_known_can_be_made_up():
    assert set(shapes()) == set(shape_names())


@pytest.mark.parametrize("method", ["supervised", "preference"])
def test_a_table_is_read_as_a_table(folder, method):
    spec = DataSpec(source="a.csv")
    (folder / "a.csv").write_bytes(rows_for(spec, method, (), "a.csv", range(300)))
    dataset, found = read(spec, folder)
    assert [d.summary for d in found if d.severity is not Severity.INFO] == []
    assert dataset.method == method


@pytest.mark.parametrize(
    "output", [OutputSpec("one-of", choices=("tak", "nie")), OutputSpec("json")]
)
def test_answers_have_the_declared_form(folder, output):
    spec = DataSpec(source="a.jsonl", output=output)
    (folder / "a.jsonl").write_bytes(rows_for(spec, "", (), "a.jsonl", range(300)))
    dataset, found = read(spec, folder)
    assert dataset is not None
    assert [d.summary for d in found if d.severity is Severity.ERROR] == []


def test_no_two_made_up_rows_are_the_same():
    assert len({exchange(number)[0] for number in range(7000)}) == 7000
