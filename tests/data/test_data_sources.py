"""Where rows come from: packed files, standard input, buckets, the YAML itself."""

import gzip
import io
import json
import random
import sys
import tracemalloc

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.objectserver import Refused, running
from tunectl.core.errors import Exit, Severity, Source, StaleError
from tunectl.data.dataset import DataSpec, read
from tunectl.data.remote.objects import CHUNK
from tunectl.data.remote.patterns import fixed_part, matcher
from tunectl.data.targets import Level

ROW = {
    "messages": [
        {"role": "user", "content": "Gdzie jest Łódź?"},
        {"role": "assistant", "content": "В Польше."},
    ]
}
LINE = json.dumps(ROW, ensure_ascii=False).encode() + b"\n"
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
PACKED = {
    "gzip": gzip.compress(LINE),
    "gzip in two members": gzip.compress(LINE[:40]) + gzip.compress(LINE[40:]),
    "zstd": zstd.compress(LINE),
    "zstd in two frames": zstd.compress(LINE[:40]) + zstd.compress(LINE[40:]),
    "zstd after a skippable frame": SKIPPABLE + zstd.compress(LINE),
}


def codes(problems):
    return [d.code for d in problems if d.severity is Severity.ERROR]


# Packed files.


@pytest.mark.parametrize("how", PACKED)
@pytest.mark.parametrize("name", ["rows.jsonl.zst", "rows.jsonl.gz", "rows"])
def test_packed_content_is_read_whatever_its_name(how, name, read_content):
    plain, _ = read_content(LINE, "plain.jsonl")
    dataset, problems = read_content(PACKED[how], name)
    assert codes(problems) == []
    assert dataset.splits == plain.splits
    assert len(list(dataset.rows("train"))) == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_packed_tables_and_arrays_are_told_by_name_and_content(pack, read_content):
    table, _ = read_content(
        pack("pytanie,odp\nŁódź?,Tak\n".encode()),
        "t.csv.zst",
        columns={"input": "pytanie", "output": "odp"},
    )
    assert table.shape == "columns"
    array, _ = read_content(pack(json.dumps([ROW]).encode()), "a.json.gz")
    assert array.splits["train"].rows == 1


@pytest.mark.parametrize("how", ["gzip", "zstd"])
@pytest.mark.parametrize("hurt", ["cut", "changed"])
def test_broken_packed_content_is_an_error_and_no_crash(how, hurt, read_content, one):
    pack = {"gzip": gzip.compress, "zstd": zstd.compress}[how]
    text = b"".join(
        LINE.replace(b"Gdzie", f"{random.Random(n).random()}".encode()) for n in range(3000)
    )
    packed = pack(text)
    half = len(packed) // 2
    packed = packed[:half] + (b"" if hurt == "cut" else bytes(200) + packed[half + 200 :])
    dataset, problems = read_content(packed, "rows.jsonl")
    assert dataset is None
    assert "unreadable" in codes(problems)
    assert {d.exit for d in problems} == {Exit.ERROR}


@given(st.binary(max_size=200))
def test_no_bytes_after_the_magic_of_a_packer_are_a_crash(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("packed")
    for magic in (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"):
        (folder / "rows").write_bytes(magic + content)
        dataset, problems = read(DataSpec(source="rows"), folder)
        assert dataset is None
        assert problems


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_reading_a_big_packed_file_holds_no_more_than_a_small_one(pack, folder):
    rows = [LINE.replace(b"Gdzie", f"{n} ".encode() + b"bardzo " * 150) for n in range(8_000)]
    text = b"".join(rows)
    (folder / "big").write_bytes(pack(text))
    (folder / "small").write_bytes(pack(b"".join(rows[:800])))
    most = {}
    for name in ("small", "small", "big"):
        tracemalloc.start()
        dataset, problems = read(DataSpec(source=name), folder, level=Level.SYNTAX)
        most[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert problems == ()
    assert dataset.splits["train"].rows == 8_000
    assert len(text) > 8_000_000
    assert most["big"] < most["small"] + 3_000_000


# Standard input.


class Piped(io.RawIOBase):
    """What a pipe gives: a little at a time, and never twice."""

    def __init__(self, content):
        super().__init__()
        self.left = content

    def readable(self):
        return True

    def readinto(self, buffer):
        taken, self.left = self.left[: min(7, len(buffer))], self.left[min(7, len(buffer)) :]
        buffer[: len(taken)] = taken
        return len(taken)


@pytest.fixture
def piped(monkeypatch):
    def run(content):
        stream = io.TextIOWrapper(io.BufferedReader(Piped(content)), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)

    return run


@pytest.mark.parametrize("content", [LINE, *PACKED.values()], ids=["plain", *PACKED])
def test_standard_input_is_read_once_and_its_rows_come_again(content, piped, folder):
    piped(content)
    dataset, problems = read(DataSpec(source="-"), folder)
    assert codes(problems) == []
    assert dataset.marks[0].file == "<stdin>"
    assert len(list(dataset.rows("train"))) == 1
    assert len(list(dataset.rows("train"))) == 1
    assert list(folder.iterdir()) == []


def test_what_is_wrong_in_standard_input_has_its_line(piped, folder, one):
    piped(LINE + b"{oops\n")
    assert str(one(read(DataSpec(source="-"), folder)).source) == "<stdin>:2:2"
    piped(b"")
    assert one(read(DataSpec(source="-"), folder)).code == "empty-file"


# Rows in the YAML.


def test_rows_of_the_yaml_have_the_lines_of_the_yaml(folder, read_content):
    plain, _ = read_content(LINE + LINE.replace(b"Gdzie", b"A gdzie"))
    second = json.loads(LINE.replace(b"Gdzie", b"A gdzie"))
    spec = DataSpec(rows=((7, ROW), (12, second)), where=Source("tunectl.yaml", 5, 3))
    dataset, problems = read(spec, folder)
    assert codes(problems) == []
    assert dataset.splits == plain.splits
    assert [(m.file, m.line) for m in dataset.marks] == [("tunectl.yaml", 7), ("tunectl.yaml", 12)]
    assert next(dataset.rows("train"))["messages"][0]["content"] == "Gdzie jest Łódź?"


@pytest.mark.parametrize(
    ("value", "code"), [(float("nan"), "not-a-number"), (2**70, "broken-row"), (b"x", "broken-row")]
)
def test_a_row_of_the_yaml_that_json_could_not_hold_is_an_error(value, code, folder):
    spec = DataSpec(rows=((7, ROW), (12, {**ROW, "x": value})), where=Source("tunectl.yaml", 5))
    dataset, [found] = read(spec, folder, level=Level.SYNTAX)
    assert dataset is None
    assert (found.code, str(found.source)) == (code, "tunectl.yaml:12")


def test_a_row_of_the_yaml_of_another_shape_is_told(folder):
    spec = DataSpec(rows=((7, ROW), (12, {"prompt": "a", "completion": "b"})))
    _, [found] = read(spec, folder)
    assert found.code == "mixed-shapes"
    assert "first at <rows>:12" in found.detail


# Buckets.


@pytest.fixture(scope="module")
def server():
    with running() as made:
        yield made


@pytest.fixture(params=["gs", "s3"])
def bucket(request, server, monkeypatch):
    """A bucket of either service: `put(key, content)`, and the beginning of its URLs."""
    server.buckets.objects.clear()
    server.faults.clear()
    server.page(2)
    if request.param == "gs":
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
        monkeypatch.setenv("AWS_REGION", "eu-central-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        monkeypatch.delenv("AWS_PROFILE", raising=False)

    class Bucket:
        url = f"{request.param}://stan"
        scheme = request.param

        @staticmethod
        def put(key, content):
            server.buckets.put("stan", key, content, {}, "application/octet-stream")

    return Bucket


@pytest.mark.parametrize("content", [LINE, *PACKED.values()], ids=["plain", *PACKED])
def test_an_object_is_read_like_a_file(content, bucket, folder, read_content):
    plain, _ = read_content(LINE)
    bucket.put("dane/wiersze ż.jsonl", content)
    url = f"{bucket.url}/dane/wiersze ż.jsonl"
    dataset, problems = read(DataSpec(source=url), folder)
    assert codes(problems) == []
    assert dataset.splits == plain.splits
    assert dataset.marks[0].file == url
    assert len(list(dataset.rows("train"))) == 1


def test_a_pattern_names_objects_of_its_folder_in_their_order(bucket, folder):
    for key in ("d/b.jsonl", "d/a.jsonl", "d/e/c.jsonl", "d/x.csv", "other.jsonl", "d/"):
        bucket.put(key, LINE.replace(b"Gdzie", key.encode()))
    dataset, _ = read(DataSpec(source=f"{bucket.url}/d/*.jsonl"), folder)
    assert [m.file.removeprefix(bucket.url) for m in dataset.marks] == ["/d/a.jsonl", "/d/b.jsonl"]
    dataset, _ = read(DataSpec(source=f"{bucket.url}/**/*.jsonl"), folder)
    assert len(dataset.marks) == 4
    splits = {"train": f"{bucket.url}/d/[ab].jsonl", "test": f"{bucket.url}/other.jsonl"}
    dataset, _ = read(DataSpec(splits=splits), folder)
    assert [s.rows for s in dataset.splits.values()] == [2, 1]


def test_a_large_object_is_fetched_in_ranges(bucket, folder, server):
    rows = [LINE.replace(b"Gdzie", f"{n} ".encode() + b"x" * 1000) for n in range(CHUNK // 700)]
    bucket.put("big.jsonl", b"".join(rows))
    server.seen.clear()
    spec = DataSpec(source=f"{bucket.url}/big.jsonl")
    dataset, problems = read(spec, folder, level=Level.SYNTAX)
    assert problems == ()
    assert dataset.splits["train"].rows == len(rows)
    ranges = [r.headers["range"] for r in server.seen if "range" in r.headers]
    assert ranges[0] == f"bytes=0-{CHUNK - 1}"
    assert len(ranges) == 2


def test_an_answer_that_breaks_off_is_fetched_again(bucket, folder, server):
    bucket.put("a.jsonl", LINE)
    fault = server.fail("truncated", where=lambda r: "range" in r.headers)
    dataset, problems = read(DataSpec(source=f"{bucket.url}/a.jsonl"), folder)
    assert codes(problems) == []
    assert (fault.times, dataset.splits["train"].rows) == (0, 1)


def test_an_object_that_was_replaced_is_not_read_as_a_mixture(bucket, folder):
    bucket.put("a.jsonl", LINE)
    dataset, _ = read(DataSpec(source=f"{bucket.url}/a.jsonl"), folder)
    bucket.put("a.jsonl", LINE.replace(b"Gdzie", b"Kiedy"))
    with pytest.raises(StaleError):
        list(dataset.rows("train"))


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ("d/missing.jsonl", "there is no object"),
        ("d/*.csv", "no object matches"),
        ("d/", "names no object"),
        ("", "names no object"),
    ],
)
def test_what_is_not_there_says_what_is(key, word, bucket, folder, one):
    bucket.put("d/rows.jsonl", LINE)
    found = one(read(DataSpec(source=f"{bucket.url}/{key}"), folder))
    assert word in found.summary
    assert "d/" in found.hint if key.startswith("d/") else found.hint


def test_a_bucket_that_is_not_there_is_named(bucket, folder, one):
    found = one(read(DataSpec(source=f"{bucket.scheme}://nima/a.jsonl"), folder))
    assert found.code == "unreadable"
    assert f"`{bucket.scheme}://nima` does not exist" in found.summary


@pytest.mark.parametrize("when", ["listing", "reading"])
def test_who_may_not_read_is_told_how_to_sign_in(when, bucket, folder, server, one):
    bucket.put("a.jsonl", LINE)
    refused = Refused(403, "AccessDenied", "Access Denied")
    server.fail(
        "status",
        answer=refused,
        where=lambda r: (
            "range" in r.headers if when == "reading" else any(k == "prefix" for k, _ in r.query)
        ),
    )
    outcome = read(DataSpec(source=f"{bucket.url}/a.jsonl"), folder)
    found = one(outcome)
    assert outcome[0] is None
    assert (found.code, found.exit) == ("unreadable", Exit.CREDENTIALS)
    assert "the account needs" in found.hint


def test_no_credentials_are_told(folder, monkeypatch, tmp_path, one):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    found = one(read(DataSpec(source="gs://stan/a.jsonl"), folder))
    assert found.exit is Exit.CREDENTIALS
    assert "gcloud auth application-default login" in found.hint


@pytest.mark.parametrize(
    ("scheme", "module", "extra"),
    [("gs", "google.cloud.storage", "tunectl[gcs]"), ("s3", "boto3", "tunectl[s3]")],
)
def test_a_missing_package_is_named(scheme, module, extra, folder, monkeypatch, one):
    monkeypatch.setitem(sys.modules, module, None)
    if scheme == "gs":
        monkeypatch.delattr("google.cloud.storage", raising=False)
    found = one(read(DataSpec(source=f"{scheme}://stan/a.jsonl"), folder))
    assert "needs the package" in found.summary
    assert extra in found.hint


def test_other_addresses_are_not_read(folder, one):
    found = one(read(DataSpec(source="https://example.org/a.jsonl"), folder))
    assert "`https` is not known" in found.summary


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("a/*.jsonl", ["a/b.jsonl", "a/ż.jsonl"], ["a/b/c.jsonl", "b/a.jsonl", "a/b.json"]),
        ("**/x", ["x", "a/x", "a/b/x"], ["a/y", "ax"]),
        ("a/**", ["a/b", "a/b/c"], ["b/a", "a"]),
        ("a/**/z?", ["a/z1", "a/b/c/zż"], ["a/z", "a/b/zz/c"]),
        ("[ab].x", ["a.x", "b.x"], ["c.x", "ab.x"]),
    ],
)
def test_patterns_are_those_of_a_shell(pattern, yes, no):
    matches = matcher(pattern)
    assert [key for key in (*yes, *no) if matches(key)] == yes
    assert all(key.startswith(fixed_part(pattern)) for key in yes)
