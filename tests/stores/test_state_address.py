"""A `state:` address is read as what it is, or refused where it stands."""

from __future__ import annotations

import builtins
import contextlib
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.app.storing import open_store
from tunectl.app.workspace import open_store as open_store_of_workspace
from tunectl.config.outline import outline
from tunectl.core.errors import ConfigError
from tunectl.core.project import Project
from tunectl.core.store_address import SCHEMES, BadAddressError, parse
from tunectl.stores.file import FileStore
from tunectl.stores.gcs import GcsBucket
from tunectl.stores.http import HttpStore
from tunectl.stores.postgres import PostgresStore
from tunectl.stores.s3 import S3Bucket


def project(state: str, root: str = "/tmp") -> Project:
    return Project(name="p", env="default", root=root, state=state)


@pytest.mark.parametrize("text", ["state/", "/srv/stan ż", "../x", "state:prod", "a:b", "C/s3:x"])
def test_a_folder_is_a_folder(text):
    assert parse(text).scheme == ""


@pytest.mark.parametrize(
    ("text", "scheme", "bucket", "prefix"),
    [
        ("gs://acme-state", "gs", "acme-state", ""),
        ("gs://acme_state/zespół ż/stan/", "gs", "acme_state", "zespół ż/stan"),
        ("gs://state.acme.example.com/p", "gs", "state.acme.example.com", "p"),
        ("s3://acme.state/a/b", "s3", "acme.state", "a/b"),
        ("postgresql://anna@db/state", "postgresql", "", ""),
        ("postgresql:///state?host=/run/postgresql", "postgresql", "", ""),
        ("https://gitlab.com/api/v4/projects/1/terraform/state/x", "https", "", ""),
    ],
)
def test_an_address_is_taken_apart(text, scheme, bucket, prefix):
    found = parse(text)
    assert (found.scheme, found.bucket, found.prefix) == (scheme, bucket, prefix)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gcs://acme/p", "did you mean `gs://`"),
        ("GS://acme/p", "did you mean `gs://`"),
        ("s4://acme/p", "did you mean `s3://`"),
        ("postgre://db/x", "did you mean `postgresql://`"),
        ("htps://x/y", "did you mean `https://`"),
        ("azurerm://acme/p", "it must be a folder, or"),
        ("file:///srv/state", "write the folder alone: `state: /srv/state`"),
        ("file:state", "write the folder alone: `state: state`"),
        ("gs:acme/p", "lacks the slashes"),
        ("gs:/acme/p", "lacks the slashes"),
        ("gs://", "names no bucket"),
        ("s3:///prefix", "names no bucket"),
        ("gs://Acme/p", "names a bucket that cannot be: `Acme`"),
        ("gs://żółw/p", "cannot be"),
        ("gs://ab", "at least 3"),
        ("s3://acme_state/p", "cannot be"),
        ("s3://-acme/p", "cannot be"),
        ("s3://a..b/p", "cannot be"),
        ("s3://10.0.0.1/p", "cannot be"),
        ("gs://acme/a//b", "empty or dotted part"),
        ("gs://acme/../b", "empty or dotted part"),
        ("s3://acme/p?region=eu-west-1", "settings behind"),
        ("gs://acme/p#1", "settings behind"),
        ("https://", "names no host"),
        ("postgresql://", "names no host"),
        ("gs://acme/a\nb", "line break"),
        ("gs://acme/" + "ż" * 460, "more than 900 bytes"),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(text, words):
    with pytest.raises(BadAddressError) as caught:
        parse(text)
    assert words in f"{caught.value.message}; {caught.value.hint}"


def test_a_key_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(BadAddressError) as caught:
        parse("s3://AKIAIOSFODNN7:wJalrXUtnFEMI@acme/p")
    told = f"{caught.value.message}; {caught.value.hint}"
    assert "AKIA" not in told
    assert "wJalr" not in told


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://anna:s3cret@db:5432/x?password=s3cret", "postgresql://anna@db:5432/x"),
        ("https://ci:s3cret@gitlab.com/state?token=s3cret", "https://ci@gitlab.com/state"),
        ("https://gitlab.com/state", "https://gitlab.com/state"),
        ("gs://acme/p", "gs://acme/p"),
        ("state/", "state/"),
    ],
)
def test_what_is_shown_of_an_address_holds_no_secret(text, shown):
    assert parse(text).shown == shown


@given(
    st.sampled_from([*SCHEMES, "", "file", "gcs"]),
    st.sampled_from(["", ":", ":/", "://"]),
    st.text(),
)
def test_any_text_is_an_address_or_refused(scheme, separator, rest):
    text = scheme + separator + rest
    with contextlib.suppress(BadAddressError):
        found = parse(text)
        assert found.text == text
        assert found.scheme in ("", *SCHEMES)


def test_each_scheme_opens_its_store(monkeypatch, tmp_path):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    kinds = {
        "state/": FileStore,
        "postgresql://db/x": PostgresStore,
        "https://gitlab.com/state": HttpStore,
    }
    for address, kind in kinds.items():
        assert isinstance(open_store(project(address, str(tmp_path))).inner, kind)
    assert isinstance(open_store(project("gs://acme/p")).inner.bucket, GcsBucket)
    assert isinstance(open_store(project("s3://acme/p")).inner.bucket, S3Bucket)
    assert open_store_of_workspace is open_store


@pytest.mark.parametrize(
    ("address", "package", "extra"),
    [("gs://acme/p", "google", "gcs"), ("s3://acme/p", "boto3", "s3")],
)
def test_a_missing_package_gives_the_command_that_installs_it(monkeypatch, address, package, extra):
    found = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError) as caught:
        open_store(project(address))
    assert caught.value.diagnostics[0].hint == f"pip install 'tunectl[{extra}]'"


def test_a_wrong_address_is_told_where_it_stands(tmp_path):
    (tmp_path / "tunectl.yaml").write_text("project: p\nstate: gcs://acme/p\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        outline(tmp_path, environ={})
    told = caught.value.diagnostics[0]
    assert (told.source.line, told.source.column) == (2, 8)
    assert told.summary == "`state` begins with `gcs://`, which is no kind of store"
    assert told.hint == "did you mean `gs://`?"


def test_no_sdk_is_loaded_for_a_folder():
    import subprocess

    code = (
        "import sys; from tunectl.app.storing import open_store; "
        "from tunectl.core.project import Project; "
        "open_store(Project(name='p', env='default', root='/tmp')); "
        ""
        "print([m for m in ('boto3', 'google.cloud.storage', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
