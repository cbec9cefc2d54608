"""A project that is kept between runs is what loading it again would give, or is loaded again."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bench import scale_projects
from tests.config.error_cases import FOLDER, copied, rows
from tests.config.making import project, write
from tunectl.config import kept as kept_module
from tunectl.config import looked as looked_module
from tunectl.config.cache_folder import MOST, SWITCH, user_folder
from tunectl.config.kept import Asked, ProjectCache
from tunectl.config.kept_form import from_bytes, to_bytes
from tunectl.config.load import load
from tunectl.config.loaded import Loaded
from tunectl.config.written import UnusualError
from tunectl.core.errors import ConfigError, Diagnostic, Severity, Source, StaleError
from tunectl.core.project import Import, Moved, Output, Project, Provided, Removed
from tunectl.core.resource import Expiry, Lifecycle, Recreate, Resource
from tunectl.core.value import Address, Join, Ref

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WHOLE = sorted(
    [*ROOT.glob("examples/*/tunectl.yaml"), *ROOT.glob("tunectl/app/starters/*/tunectl.yaml")]
)

EVERYTHING = """
    project: żółw
    state: s/
    default_provider: here
    providers:
      here: {type: local, trainer: simulated, parallelism: 2}
      there: {type: openai, base_url: "https://api.example.com/v1", key_env: THERE_KEY}
    labels: {team: поддержка}
    variables:
      epochs: {type: integer, default: 3}
      suffix: {type: string, default: a}
    environments: [prod]
    include: [{file: more/module.yaml, name: shop, with: {base: smollm2-135m-instruct}}]
    dataset:
      support:
        source: "data/rows*.jsonl"
        split: {validation: 10%, seed: 7}
        checks: {contamination: ["data/eval*.txt"]}
    tuning_job:
      support:
        for_each: [pl, ru]
        base_model: smollm2-135m-instruct
        data: dataset.support
        method: {type: supervised, epochs: "${var.epochs}"}
        suffix: "${var.suffix}-${each.key}"
        lifecycle: {protect: true, ignore_changes: [suffix], keep_previous: 2}
      closed: {provider: there, base_model: gpt-3, training: dataset.support.train}
    endpoint:
      support: {model: 'tuning_job.support["pl"]', expires_after: 30d}
      old: {model: tuning_job.shop.main, expires_at: 2026-11-22T18:00Z,
        depends_on: [endpoint.support]}
    prompt_template:
      support:
        model: endpoint.support
        inputs: {question: {type: string, max_chars: 100, default: "co?"}, unused: string}
        sections:
          - {id: system, role: system, template_file: prompts/a.md.j2}
          - {id: shots, role: examples, examples: dataset.support.train, max: 4}
          - {id: ask, role: user, template: "{{ question }}"}
    outputs:
      model: {value: "${endpoint.support.model_id}", write: [deploy/model.json]}
      where: {value: {url: "${endpoint.support.base_url}/chat", list: [1, 2.5, null, true]}}
    moved: [{from: endpoint.before, to: endpoint.support}]
    removed: [{address: endpoint.gone, destroy: false}]
"""
MODULE = """
    variables: {base: string}
    tuning_job:
      main: {base_model: "${var.base}", data: dataset.support}
"""


def everything(root: Path) -> Path:
    made = project(root, EVERYTHING)
    write(made, "more/module.yaml", MODULE.replace("dataset.support", "dataset.inner") + INNER)
    write(made, "data/eval.txt", "nic\n")
    write(made, "prompts/a.md.j2", "Bądź miły. {{ question }}\n")
    return made


INNER = """
    dataset:
      inner: {source: data/rows.jsonl}
"""


class Bench:
    """A project, its cache, and how often it was loaded."""

    def __init__(self, root: Path, folder: Path, **told: Any) -> None:
        self.root = root
        self.cache = ProjectCache(folder)
        self.folder = folder
        self.told: dict[str, Any] = {"environ": {}, "env": "default", **told}
        self.now = NOON

    @property
    def asked(self) -> Asked:
        return Asked(root=self.root, **self.told)

    def load(self) -> Loaded:
        return load(self.root, kept=self.cache, **self.told)

    def get(self) -> Loaded | None:
        return self.cache.get(self.asked, self.now)


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunectl.config.load._moment", lambda _: NOON)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(everything(tmp_path / "project"), tmp_path / "cache")
    bench.load()
    assert bench.get() is not None
    return bench


def described(loaded: Loaded) -> Any:
    """Everything with its types, so that 1, 1.0 and true are three."""
    return typed(loaded.project)


def typed(value: object) -> Any:
    if isinstance(value, Address):
        return ("Address", *value.path, value.kind, value.key)
    if is_dataclass(value) and not isinstance(value, type):
        names = [f.name for f in fields(value) if f.init]
        return (type(value).__name__, [(n, typed(getattr(value, n))) for n in names])
    if isinstance(value, dict):
        return [(key, typed(item)) for key, item in value.items()]
    if isinstance(value, tuple):
        return ("tuple", [typed(item) for item in value])
    if isinstance(value, frozenset):
        return ("frozenset", sorted(map(repr, value)))
    return (type(value).__name__, value)


# -- what comes out ------------------------------------------------------------------------------


def test_what_is_kept_is_what_was_loaded(bench: Bench) -> None:
    fresh, found = bench.load(), bench.get()
    assert found is not None
    assert found.project == fresh.project
    assert described(found) == described(fresh)
    assert len(found.project.resources) > 8
    assert found.project.warnings, "it has something to warn of, and that is kept too"
    assert list(found.datasets) == list(fresh.datasets)


@pytest.mark.parametrize("path", WHOLE, ids=lambda path: path.parent.name)
def test_examples_and_starters_come_back_as_they_were_loaded(path: Path, tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(path.parent, root)
    bench = Bench(root, tmp_path / "cache")
    try:
        fresh = bench.load()
    except ConfigError:
        assert bench.get() is None
        return
    found = bench.get()
    assert found is not None, "such a project must be kept"
    assert described(found) == described(fresh)
    for address in fresh.datasets:
        assert found.datasets[address] == fresh.datasets[address]


@pytest.mark.parametrize("shape", scale_projects.SHAPES)
def test_projects_of_every_shape_come_back_as_they_were_loaded(shape: str, tmp_path: Path) -> None:
    root = tmp_path / "project"
    scale_projects.ours(root, scale_projects.SHAPES[shape](60))
    text = (root / "tunectl.yaml").read_text(encoding="utf-8")
    simulated = text.replace("simulated: {}", "local: {trainer: simulated}")
    (root / "tunectl.yaml").write_text(simulated, encoding="utf-8")
    bench = Bench(root, tmp_path / "cache")
    fresh, found = bench.load(), bench.get()
    assert found is not None
    assert described(found) == described(fresh)


@pytest.mark.parametrize(
    "case", sorted(p for p in FOLDER.iterdir() if p.is_dir())[::6], ids=lambda case: case.name
)
def test_a_project_with_mistakes_is_never_kept(case: Path, tmp_path: Path) -> None:
    bench = Bench(copied(case, tmp_path), tmp_path / "cache")
    try:
        fresh = bench.load()
    except ConfigError:
        assert bench.get() is None
    else:  # a case of warnings alone
        found = bench.get()
        assert found is None or described(found) == described(fresh)


NAMES = st.from_regex(r"[a-ząж][a-z0-9_ж]{0,6}", fullmatch=True)
ADDRESSES = st.builds(
    Address,
    st.sampled_from(["endpoint", "tuning_job", "dataset"]),
    st.lists(NAMES, min_size=1, max_size=2).map(tuple),
    st.none() | st.text(max_size=4),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)
REFS = st.builds(Ref, ADDRESSES, st.lists(NAMES, max_size=2).map(tuple))
VALUES = st.recursive(
    st.one_of(SCALARS, REFS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(tuple),
        st.lists(inner, max_size=3).map(lambda parts: Join(tuple(parts))),
        st.dictionaries(NAMES, inner, max_size=3),
    ),
    max_leaves=6,
)
SOURCES = st.none() | st.builds(
    Source, NAMES, st.integers(0, 9), st.integers(0, 9), NAMES, st.integers(1, 9), NAMES
)
RESOURCES = st.builds(
    Resource,
    address=ADDRESSES,
    provider=NAMES,
    spec=st.dictionaries(NAMES, VALUES, max_size=4),
    immutable=st.frozensets(NAMES, max_size=2),
    fingerprint=st.none() | NAMES,
    outputs=st.lists(NAMES, max_size=2).map(tuple),
    depends_on=st.lists(ADDRESSES, max_size=2).map(tuple),
    lifecycle=st.builds(Lifecycle, protect=st.booleans(), keep_previous=st.integers(0, 3)),
    recreate=st.sampled_from(Recreate),
    parent=st.none() | ADDRESSES,
    destroy_first=st.booleans(),
    retired=st.just("") | NAMES,
    expires=st.none() | st.builds(Expiry, after=st.none() | st.integers(1, 9)),
    labels=st.dictionaries(NAMES, NAMES, max_size=2),
    source=SOURCES,
)
PROJECTS = st.builds(
    Project,
    name=NAMES,
    env=NAMES,
    root=NAMES,
    providers=st.dictionaries(
        NAMES,
        st.builds(Provided, name=NAMES, type=NAMES, settings=st.dictionaries(NAMES, SCALARS)),
        max_size=2,
    ),
    resources=st.lists(RESOURCES, max_size=4).map(tuple),
    outputs=st.lists(st.builds(Output, name=NAMES, value=VALUES, source=SOURCES), max_size=2).map(
        tuple
    ),
    moved=st.lists(st.builds(Moved, before=ADDRESSES, after=ADDRESSES), max_size=2).map(tuple),
    removed=st.lists(st.builds(Removed, address=ADDRESSES, source=SOURCES), max_size=2).map(tuple),
    imports=st.lists(st.builds(Import, address=ADDRESSES, id=NAMES), max_size=2).map(tuple),
    warnings=st.lists(
        st.builds(Diagnostic, summary=NAMES, severity=st.sampled_from(Severity), source=SOURCES),
        max_size=2,
    ).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(PROJECTS)
def test_any_project_comes_back_from_bytes_as_it_was(one: Project) -> None:
    back = from_bytes(to_bytes(one))
    assert back == one
    assert typed(back) == typed(one)
    for before, after in zip(one.resources, back.resources, strict=True):
        assert (after.needs, after.refs) == (before.needs, before.refs)


@pytest.mark.parametrize("odd", [float("nan"), [1], {1: 2}, 2**70, "\ud800", b"x", object()])
def test_what_json_cannot_hold_is_refused_and_not_bent(odd: Any) -> None:
    address = Address("endpoint", ("a",))
    one = Resource(address=address, provider="p", spec={"model": odd})
    with pytest.raises(UnusualError):
        to_bytes(Project(name="p", env="e", root=".", resources=(one,)))


# -- what it depends on --------------------------------------------------------------------------


def edit(path: str, old: str, new: str) -> Any:
    def change(bench: Bench) -> None:
        file = bench.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        before = file.stat()
        file.write_text(text.replace(old, new, 1), encoding="utf-8")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    return change


def add(path: str, text: str) -> Any:
    return lambda bench: write(bench.root, path, text)


def lead_elsewhere(bench: Bench) -> None:
    real = bench.root / "prompts" / "a.md.j2"
    elsewhere = bench.root.parent / "outside.j2"
    shutil.copy(real, elsewhere)
    real.unlink()
    real.symlink_to(elsewhere)


def told(**said: Any) -> Any:
    return lambda bench: bench.told.update(said)


def a_var_file(bench: Bench) -> None:
    write(bench.root, "values.yaml", "suffix: b\n")
    bench.told["var_files"] = (bench.root / "values.yaml",)


def later(**by: float) -> Any:
    def change(bench: Bench) -> None:
        bench.now = NOON + timedelta(**by)

    return change


CHANGES = {
    "the main file": edit("tunectl.yaml", "keep_previous: 2", "keep_previous: 1"),
    "a comment alone": edit("tunectl.yaml", "labels:", "# a\n    labels:"),
    "another file of the project": add("more.tunectl.yaml", "labels: {a: b}\n"),
    "an overlay": add("tunectl.default.yaml", "labels: {a: b}\n"),
    "an included file": edit("more/module.yaml", "main", "other"),
    "a template file": edit("prompts/a.md.j2", "miły", "szybki"),
    "a template file that leads outside": lead_elsewhere,
    "rows": edit("data/rows.jsonl", "user", "user "),
    "rows of another file that a glob finds": add("data/rows2.jsonl", rows(3)),
    "a text that rows are compared with": edit("data/eval.txt", "nic", "coś"),
    "another text of those": add("data/eval2.txt", "a\n"),
    "a file of rows less": lambda bench: (bench.root / "data/rows.jsonl").unlink(),
    "a variable of the command line": told(variables={"suffix": "b"}),
    "a variable of the environment": told(environ={"TUNECTL_VAR_suffix": "b"}),
    "a file of variables": a_var_file,
    "another environment": told(env="prod"),
    "the next day": later(hours=12),
    "an object that expires": later(hours=6),
    "a clock set back": later(seconds=-1),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_was_looked_at_is_seen(change: str, bench: Bench) -> None:
    CHANGES[change](bench)
    assert bench.get() is None


def test_what_was_not_looked_at_changes_nothing(bench: Bench) -> None:
    write(bench.root, "other.yaml", "a: 1\n")
    write(bench.root, "tunectl.prod.yaml", "labels: {a: b}\n")
    write(bench.root, "data/notes.txt", "x\n")
    bench.told["environ"] = {"HOME": "/", "TUNECTL_VAR_other": "x", "THERE_KEY": "sk-x"}
    bench.now = NOON + timedelta(hours=5, minutes=59)
    assert bench.get() is not None


def test_a_file_of_variables_is_looked_at_each_time(bench: Bench) -> None:
    a_var_file(bench)
    fresh = bench.load()
    found = bench.get()
    assert found is not None
    assert described(found) == described(fresh)
    write(bench.root, "values.yaml", "suffix: c\n")
    assert bench.get() is None


def test_an_unset_variable_that_is_set_to_nothing_is_a_change(bench: Bench) -> None:
    bench.told["environ"] = {"TUNECTL_VAR_suffix": ""}
    assert bench.get() is None


@pytest.mark.parametrize("what", ["installation", "FORMAT"])
def test_another_version_never_finds_an_entry(
    what: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = (lambda: "another") if what == "installation" else 0
    monkeypatch.setattr(kept_module, what, other)
    assert bench.get() is None


def test_a_large_file_of_rows_is_known_by_what_the_disk_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looked_module, "_HASHED", 10)
    bench = Bench(everything(tmp_path / "project"), tmp_path / "cache")
    bench.load()
    assert bench.get() is None, "a file written a moment ago may change within the same tick"
    monkeypatch.setattr(looked_module, "_FRESH", 0)
    bench.load()
    assert bench.get() is not None
    file = bench.root / "data" / "rows.jsonl"
    before = file.stat()
    file.write_bytes(file.read_bytes().replace(b"user", b"USER"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert bench.get() is None, "neither size nor time tell it, but the inode's own time does"


def test_rows_that_change_while_they_are_read_are_not_kept(tmp_path: Path) -> None:
    looked = looked_module.Looked()
    write(tmp_path, "rows.jsonl", "1\n")
    looked.opened(tmp_path, ["rows.jsonl"])
    write(tmp_path, "rows.jsonl", "2\n")
    looked.opened(tmp_path, ["rows.jsonl"])
    assert not looked.repeatable


def test_a_pipe_is_not_kept(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.jsonl")
    looked = looked_module.Looked()
    looked.opened(tmp_path, ["rows.jsonl"])
    assert not looked.repeatable


def test_variables_from_a_pipe_are_read_by_each_loading_and_by_nobody_before(bench: Bench) -> None:
    values = bench.root / "values.yaml"
    a_var_file(bench)
    bench.load()
    values.unlink()
    os.mkfifo(values)
    pipe = os.open(values, os.O_RDWR | os.O_NONBLOCK)
    try:
        os.write(pipe, b"suffix: piped\n")
        assert bench.get() is None
        assert os.read(pipe, 100) == b"suffix: piped\n", "what it held was left for the loading"
    finally:
        os.close(pipe)
    looked = looked_module.Looked()
    looked.read(values, b"suffix: piped\n")
    assert not looked.repeatable


# -- datasets ------------------------------------------------------------------------------------


def test_datasets_are_read_when_one_is_looked_at(bench: Bench) -> None:
    fresh, found = bench.load(), bench.get()
    assert found is not None
    address = Address("dataset", ("support",))
    assert address in found.datasets
    assert found.datasets.get(Address("dataset", ("none",))) is None
    assert found.datasets[address] == fresh.datasets[address]
    assert len(list(found.datasets[address].rows("train"))) > 0


def test_rows_that_changed_since_the_plan_are_refused(bench: Bench) -> None:
    found = bench.get()
    assert found is not None
    write(bench.root, "data/rows.jsonl", rows(23))
    with pytest.raises(StaleError, match="changed after it was read"):
        found.datasets[Address("dataset", ("support",))]


# -- secrets -------------------------------------------------------------------------------------

CANARY = "canary-5f1e7c"
SECRETS = {
    "a variable of the environment": (
        """
        env: [TOKEN]
        providers: {local: {type: openai, base_url: "https://x.example/v1",
          key_env: K, organization: "${env.TOKEN}"}}
        endpoint: {a: {model: base}}
        """,
        {"environ": {"TOKEN": CANARY}},
    ),
    "a declared variable of the environment that is not set": (
        "env: [TOKEN]\nendpoint: {a: {model: base}}\n",
        {},
    ),
    "a sensitive variable": (
        """
        variables: {token: {type: string, sensitive: true}}
        state: "s-${var.token}/"
        endpoint: {a: {model: base}}
        """,
        {"variables": {"token": CANARY}},
    ),
    "a sensitive variable that nobody uses": (
        """
        variables: {token: {type: string, sensitive: true}}
        endpoint: {a: {model: base}}
        """,
        {"variables": {"token": CANARY}},
    ),
    "a password in the address of the state": (
        f"state: postgresql://me:{CANARY}@db.example/t\nendpoint: {{a: {{model: base}}}}\n",
        {},
    ),
}


@pytest.mark.parametrize("sort", SECRETS)
def test_a_project_with_a_secret_is_not_kept(sort: str, tmp_path: Path) -> None:
    text, more = SECRETS[sort]
    root = project(tmp_path / "project", f"project: p\n{text}".replace("\n        ", "\n"))
    bench = Bench(root, tmp_path / "cache", **more)
    bench.load()
    assert bench.get() is None
    for file in tmp_path.glob("cache/**/*"):
        assert CANARY.encode() not in file.read_bytes()


def test_values_of_the_environment_are_kept_as_hashes_alone(bench: Bench) -> None:
    bench.told["environ"] = {"TUNECTL_VAR_epochs": "17", "OTHER": CANARY, "THERE_KEY": CANARY}
    bench.load()
    assert bench.get() is not None
    for file in bench.folder.iterdir():
        assert CANARY.encode() not in file.read_bytes()


# -- the folder ----------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "foreign", "of garbage", "of JSON"])
def test_a_damaged_entry_is_passed_over_and_made_again(damage: str, bench: Bench) -> None:
    (entry,) = bench.folder.iterdir()
    content = entry.read_bytes()
    head = content[32:].partition(b"\n")[0]
    payloads = {"of garbage": b"\xff" * 64, "of JSON": head + b'\n{"columns": [1]}'}
    sealed = {k: hashlib.sha256(v).digest() + v for k, v in payloads.items()}
    broken = {
        "empty": b"",
        "cut": content[: len(content) // 2],
        "flipped": content[:60] + bytes([content[60] ^ 1]) + content[61:],
        "foreign": b"not ours",
        **sealed,
    }
    entry.write_bytes(broken[damage])
    assert bench.get() is None
    bench.load()
    assert entry.read_bytes() == content


def test_only_so_many_projects_are_kept(tmp_path: Path) -> None:
    text = "project: p\nvariables: {x: string}\nendpoint: {a: {model: b}}\n"
    bench = Bench(project(tmp_path / "p", text), tmp_path / "cache")
    for number in range(MOST + 3):
        bench.told["variables"] = {"x": str(number)}
        bench.load()
    assert len(list(bench.folder.iterdir())) == MOST


def test_nobody_else_may_read_what_is_kept(bench: Bench) -> None:
    (entry,) = bench.folder.iterdir()
    assert entry.stat().st_mode & 0o077 == 0
    assert bench.folder.stat().st_mode & 0o077 == 0


def test_what_another_user_put_there_is_not_believed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert bench.get() is None


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    bench = Bench(everything(tmp_path / "project"), tmp_path / "cache")
    assert bench.load().project.resources
    assert bench.get() is None


def test_the_users_folder_is_where_the_platform_has_it_and_can_be_switched_off() -> None:
    import platformdirs

    folder = user_folder(os.environ, "projects")
    assert folder == platformdirs.user_cache_path("tunectl") / "projects"
    assert ProjectCache.of_user({SWITCH: "off"}) is None


def test_keeping_says_nothing_of_a_project_that_was_replaced_meanwhile(bench: Bench) -> None:
    """The hash is of what was read: an edit between reading and keeping is seen."""
    text = (bench.root / "tunectl.yaml").read_text(encoding="utf-8")
    looked = looked_module.Looked()
    looked.names = looked_module.project_names(bench.root, "default")
    looked.read(bench.root / "tunectl.yaml", text.encode())
    (bench.root / "tunectl.yaml").write_text(text + "# later\n", encoding="utf-8")
    found = bench.get()
    assert found is None
    loaded = load(bench.root, **bench.told)
    bench.cache.put(bench.asked, looked, loaded, NOON)
    assert bench.get() is None


def test_what_a_resource_gains_is_kept_too() -> None:
    """The form names the fields of a resource: one that it does not name is found here."""
    one = Resource(address=Address("endpoint", ("a",)), provider="p", spec={})
    for field in fields(Resource):
        if field.init:
            assert getattr(back(one), field.name) == getattr(one, field.name)
    other = replace(one, retired="r", destroy_first=True, parent=one.address)
    assert back(other) == other


def back(one: Resource) -> Resource:
    return from_bytes(to_bytes(Project(name="p", env="e", root=".", resources=(one,)))).resources[0]
