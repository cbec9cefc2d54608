"""The house is a test: floors, sizes, names, charters, and what must stand nowhere."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "tunectl"
MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LONGEST_MODULE, LONGEST_FUNCTION = 400, 50  # lines
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "shared"}
HEAVY = {
    "openai", "torch", "transformers", "peft", "gguf", "safetensors", "numpy", "starlette",
    "uvicorn", "llama_cpp", "google", "anthropic", "boto3", "botocore", "ruamel", "deepdiff",
    "rich", "psycopg", "ray", "cryptography",
}  # fmt: skip
STANDARD_ONLY = {"pydantic", "click", "yaml", "jinja2", "orjson"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def place(path: Path, node: ast.AST) -> str:
    return f"{name(path)}:{getattr(node, 'lineno', 1)}"


def test_the_floors_hold():
    linter = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert linter, "import-linter is a development dependency"
    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_modules_import_each_other_in_a_circle():
    known = {dotted(path): path for path in MODULES}
    needs = {
        this: {n for n in imported(path) if n in known} - {this} for this, path in known.items()
    }
    TopologicalSorter(needs).prepare()  # raises CycleError, naming it


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported(path: Path) -> Iterator[str]:
    """The modules that a module imports when it is imported, itself and `TYPE_CHECKING` aside."""
    for node in at_import(tree(path).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if isinstance(node, ast.If | ast.Try | ast.With | ast.ClassDef) and not typing_only:
            yield from at_import([n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)])


def test_every_module_is_short():
    sizes = {name(path): len(lines(path)) for path in MODULES}
    assert not {path: size for path, size in sizes.items() if size > LONGEST_MODULE}


def test_every_function_is_short():
    sizes = {
        f"{place(path, node)} {node.name}": node.end_lineno - node.lineno + 1
        for path in MODULES
        for node in functions(path)
    }
    assert not {at: size for at, size in sizes.items() if size > LONGEST_FUNCTION}


def test_every_module_says_what_it_is_for():
    assert not [name(path) for path in MODULES if not ast.get_docstring(tree(path))]


def test_every_package_has_a_charter():
    charters = {
        name(path): ast.get_docstring(tree(path)) or ""
        for path in MODULES
        if path.name == "__init__.py" and path.parent != PACKAGE
    }
    assert not [path for path, said in charters.items() if len(said.split()) < 8]


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for path in MODULES}
    assert not [name(f) for f in folders if not (f / "__init__.py").exists()]


@pytest.mark.parametrize(
    "room",
    sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py")),
)
def test_every_room_says_what_it_never_does(room):
    said = ast.get_docstring(tree(PACKAGE / room / "__init__.py")) or ""
    assert re.search(r"\bnever\b", said, re.IGNORECASE), said


def test_no_module_has_a_vague_name():
    assert not [name(path) for path in MODULES if {path.stem, path.parent.name} & VAGUE]


def test_only_the_door_catches_everything():
    door = PACKAGE / "cli" / "main.py"
    assert not [
        place(path, node)
        for path in MODULES
        if path != door
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and catches_everything(node)
    ]


def catches_everything(handler: ast.ExceptHandler) -> bool:
    """Whether it swallows what it does not know; cleaning up and raising again does not."""
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = {kind.id for kind in kinds if isinstance(kind, ast.Name)}
    last = handler.body[-1]
    raised_again = isinstance(last, ast.Raise) and last.exc is None
    return "Exception" in names or ("BaseException" in names and not raised_again)


def test_nothing_is_left_unfinished():
    words = ["TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error"]
    marks = re.compile(r"\b(" + "|".join(words) + r")\b")
    assert not [
        f"{name(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(lines(path), start=1)
        if marks.search(line)
    ]


def test_dispatch_is_by_match_and_never_by_a_made_up_method_name():
    assert not [
        place(path, node)
        for path in MODULES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and isinstance(node.args[1], ast.JoinedStr)
    ]


def test_no_test_pretends():
    words = ("Magic" + "Mock", "mock" + ".patch", "unittest" + ".mock")
    texts = {name(path): path.read_text(encoding="utf-8") for path in TESTS}
    assert not [path for path, text in texts.items() if any(word in text for word in words)]


def loaded_by(module: str) -> set[str]:
    # What a `.pth` file of another package loads before us is not our doing.
    code = (
        f"import sys; had = set(sys.modules); import {module}; "
        "print(*{m.partition('.')[0] for m in set(sys.modules) - had})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def importable(room: str) -> list[str]:
    return [dotted(p) for p in sorted((PACKAGE / room).rglob("*.py"))]


def test_the_core_loads_the_standard_library_alone():
    loaded = loaded_by(", ".join(importable("core")))
    assert not loaded & (HEAVY | STANDARD_ONLY | {"random", "logging", "socket"})


@pytest.mark.parametrize(
    "room",
    ["catalog", "kinds", "data", "retrieval", "config", "engine", "stores", "views"],
)
def test_a_room_loads_nothing_heavy(room):
    modules = importable(room)
    if modules:
        assert not loaded_by(", ".join(modules)) & HEAVY


def test_the_command_line_starts_without_anything_heavy():
    assert not loaded_by("tunectl.cli.main") & HEAVY


def test_importing_the_package_imports_nothing_of_it():
    code = "import sys, tunectl; print(sorted(m for m in sys.modules if m.startswith('tunectl')))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "['tunectl']"


def written_files() -> list[Path]:
    """What is or would be committed."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(git, cwd=ROOT, capture_output=True, check=True)
    paths = [ROOT / part for part in done.stdout.decode("utf-8").split("\0") if part]
    return [path for path in paths if path.is_file()]


def test_no_file_names_a_path_of_the_machine_it_was_written_on():
    # Put together here, so that this file does not hold what it looks for.
    places = [
        b"/" + b"work/" + b"main",
        b"/" + b"root/",
        str(ROOT).encode(),
        str(Path.home()).encode() + b"/",
    ]
    found = [
        name(path)
        for path in written_files()
        for content in [path.read_bytes()]
        if any(place in content for place in places)
    ]
    assert not found
