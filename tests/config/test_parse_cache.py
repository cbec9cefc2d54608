"""A parsed file that is kept between runs says exactly what parsing it again would say."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.config import error_cases
from tests.config.error_cases import FOLDER, copied, said
from tests.config.making import TODAY, project
from tunectl.config import parse_cache
from tunectl.config.cache_folder import MOST, SWITCH
from tunectl.config.load import load
from tunectl.config.node import File, Node
from tunectl.config.parse_cache import ParseCache
from tunectl.config.problems import Problems
from tunectl.config.source import parse

CASES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
EVERYTHING = """\
# zażółć gęślą jaźń
project: helpdesk
"quoted key": 'it''s "quoted"'
żółw: {inne: [1, -2.5, 2e-4, 0x1F, 0o17, true, no, ~, null, "", '${var.a}', текст]}
empty:
text: |
  two
  lines
folded: >-
  one
  line
list:
  - a: 1
    b: {c: []}
  - - nested
    - {}
"""


def described(node: Node) -> object:
    """Everything that a node says, as plain data."""
    about = (node.line, node.column, node.length)
    key = node.key[:3] if node.key is not None else None
    value = node.value
    if isinstance(value, dict):
        inside: object = {name: described(child) for name, child in value.items()}
    elif isinstance(value, list):
        inside = [described(child) for child in value]
    else:
        inside = (type(value).__name__, value, node.raw)
    return about, key, inside, str(node.source), str(node.key_source)


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parsed"))


@pytest.fixture
def cache(tmp_path: Path) -> ParseCache:
    return ParseCache(tmp_path / "cache", least=0)


def parsed(text: str, cache: ParseCache | None = None) -> object:
    problems = Problems()
    node = parse(File("tunectl.yaml", text), problems, cache)
    told = [(d.summary, str(d.source), d.hint) for d in problems.all]
    return None if node is None else described(node), told


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_is_explained_the_same_with_and_without_the_cache(
    case: Path, tmp_path: Path, cache: ParseCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_cache(*args: object, **options: object) -> object:
        return load(*args, **{**options, "cache": cache})

    root = copied(case, tmp_path)
    monkeypatch.setattr(error_cases, "load", with_cache)
    expected = (case / "expected.txt").read_text(encoding="utf-8")
    assert said(case, root) == expected, "cold"
    assert said(case, root) == expected, "warm"


def test_what_is_kept_has_every_value_and_place(cache: ParseCache, tmp_path: Path) -> None:
    plain = parsed(EVERYTHING)
    assert parsed(EVERYTHING, cache) == plain, "cold"
    assert len(entries(tmp_path / "cache")) == 1
    assert parsed(EVERYTHING, cache) == plain, "warm"


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1}\nc: *x\n",
        "base: &b {x: 1}\nmore: {<<: *b, y: 2}\n",
        "a: !!str 1\n",
        "a: .inf\nb: .nan\n",
        "a: 123456789012345678901234567890\n",
        "a: 1\na: 2\n",
        "a: “pasted”\n",
        "[1, 2]\n",
        "just text\n",
        "a: [\n",
        "a: !custom 1\n",
        "? {a: 1}\n: 2\n",
        "\ufeffa: 1\r\nb: 2\r\n",
        "",
    ],
)
def test_unusual_files_mean_the_same_with_and_without_the_cache(
    text: str, cache: ParseCache
) -> None:
    plain = parsed(text)
    assert str(parsed(text, cache)) == str(plain), "cold"
    assert str(parsed(text, cache)) == str(plain), "warm"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(tree=TREES, flow=st.booleans())
def test_any_file_means_the_same_with_and_without_the_cache(tree, flow, tmp_path_factory):
    text = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=flow)
    cache = ParseCache(tmp_path_factory.mktemp("cache"), least=0)
    plain = str(parsed(text))
    assert str(parsed(text, cache)) == plain
    assert str(parsed(text, cache)) == plain


def test_an_edited_file_is_read_anew(tmp_path: Path, cache: ParseCache) -> None:
    root = project(tmp_path, "project: one\nstate: s/\n")
    assert load(root, environ={}, now=TODAY, cache=cache).project.name == "one"
    before = (root / "tunectl.yaml").stat()
    (root / "tunectl.yaml").write_text("project: two\nstate: s/\n", encoding="utf-8")
    os.utime(root / "tunectl.yaml", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert load(root, environ={}, now=TODAY, cache=cache).project.name == "two"


def test_an_overlay_over_kept_files_is_still_evaluated(tmp_path: Path, cache: ParseCache) -> None:
    text = """
        project: shop
        variables: {model: {type: string, default: tuned}}
        providers: {local: {trainer: simulated}}
        endpoint: {a: {model: base}}
    """
    root = project(tmp_path, text)
    (root / "tunectl.prod.yaml").write_text(
        'endpoint: {a: {model: "${var.model}"}}\n', encoding="utf-8"
    )
    for _ in ("cold", "warm"):
        found = load(root, environ={}, now=TODAY, env="prod", cache=cache).project.resources
        assert [r.spec["model"] for r in found] == ["tuned"]


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign", "digest of garbage"])
def test_a_damaged_entry_is_passed_over_and_made_again(
    damage: str, tmp_path: Path, cache: ParseCache
) -> None:
    plain = parsed(EVERYTHING, cache)
    (entry,) = entries(tmp_path / "cache")
    content = entry.read_bytes()
    garbage = b"\xff" * 64
    entry.write_bytes(
        {
            "empty": b"",
            "cut": content[: len(content) // 2],
            "flipped": content[:60] + bytes([content[60] ^ 1]) + content[61:],
            "foreign": b"not ours",
            "digest of garbage": hashlib.sha256(garbage).digest() + garbage,
        }[damage]
    )
    assert cache.get(EVERYTHING) is None
    assert parsed(EVERYTHING, cache) == plain
    assert entry.read_bytes() == content, "made again"


def test_another_version_never_finds_an_entry(
    cache: ParseCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed(EVERYTHING, cache)
    assert cache.get(EVERYTHING) is not None
    version = parse_cache._version()
    monkeypatch.setattr(parse_cache, "_version", lambda: version + b"next\n")
    assert cache.get(EVERYTHING) is None


def test_a_file_with_something_to_say_is_never_kept(cache: ParseCache, tmp_path: Path) -> None:
    parsed("a: 1\na: 2\n", cache)
    assert entries(tmp_path / "cache") == []


def test_small_files_are_not_kept(tmp_path: Path) -> None:
    cache = ParseCache(tmp_path / "cache")
    parsed(EVERYTHING, cache)
    assert not (tmp_path / "cache").exists()


def test_a_folder_that_cannot_be_used_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    cache = ParseCache(tmp_path / "file" / "cache", least=0)
    assert parsed(EVERYTHING, cache) == parsed(EVERYTHING)


def test_the_oldest_entries_make_room(cache: ParseCache, tmp_path: Path) -> None:
    for number in range(MOST + 5):
        parsed(f"a: {number}\n", cache)
        newest = entries(tmp_path / "cache")
        for entry in newest:
            if entry.stat().st_mtime_ns > 10**18:
                os.utime(entry, ns=(number, number))
    assert len(entries(tmp_path / "cache")) == MOST
    assert cache.get("a: 0\n") is None
    assert cache.get(f"a: {MOST + 4}\n") is not None


def test_entries_are_nobody_elses_business(cache: ParseCache, tmp_path: Path) -> None:
    parsed(EVERYTHING, cache)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def _write_and_read(folder: str, seed: int, results: multiprocessing.Queue) -> None:
    cache = ParseCache(Path(folder), least=0)
    wrong = 0
    for number in range(60):
        text = f"number: {(number * seed) % 7}\nlist: [{'x, ' * 500}y]\n"
        wrong += parsed(text, cache) != parsed(text)
    results.put(wrong)


def test_many_processes_share_one_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    workers = [
        context.Process(target=_write_and_read, args=(str(tmp_path / "cache"), seed, results))
        for seed in (1, 2, 3, 5)
    ]
    for worker in workers:
        worker.start()
    wrong = [results.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(timeout=60)
    assert wrong == [0, 0, 0, 0]
    assert not list((tmp_path / "cache").glob(".*")), "nothing half-written stays"


@pytest.mark.parametrize("word", ["off", "OFF", "0", "false"])
def test_a_variable_switches_it_off(word: str) -> None:
    assert ParseCache.of_user({SWITCH: word}) is None


def test_it_is_on_without_the_variable() -> None:
    assert ParseCache.of_user({}) is not None


def test_a_loaded_project_is_the_same_cold_and_warm(tmp_path: Path, cache: ParseCache) -> None:
    endpoints = "\n".join(f"  r{n}: {{model: m-{n}, labels: {{team: t}}}}" for n in range(40))
    text = f"project: p\nproviders:\n  local: {{trainer: simulated}}\nendpoint:\n{endpoints}\n"
    (tmp_path / "tunectl.yaml").write_text(text, encoding="utf-8")
    plain = load(tmp_path, environ={}, now=TODAY)
    assert load(tmp_path, environ={}, now=TODAY, cache=cache) == plain
    assert load(tmp_path, environ={}, now=TODAY, cache=cache) == plain
