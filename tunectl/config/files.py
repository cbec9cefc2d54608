"""Which files are read, and in which order they count.

Read are `tunectl.yaml`, `*.tunectl.yaml` and what `include` names; for an environment its overlay
`tunectl.ENV.yaml` besides. Nothing else: a repository is full of other YAML.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tunectl.config.looked import MAIN, Looked, Names, project_names
from tunectl.config.node import File, Node, plain
from tunectl.config.overlay import lay_over
from tunectl.config.parse_cache import ParseCache
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.reading import read_text
from tunectl.config.source import parse
from tunectl.config.syntax import foreign
from tunectl.config.tree import Module, Tree, gather
from tunectl.config.validating import validated
from tunectl.core.errors import Source
from tunectl.kinds import INCLUDE

if TYPE_CHECKING:
    from tunectl.kinds.project import IncludeFields

DEFAULT_ENV = "default"
_OVERLAY = re.compile(r"tunectl\.(.+)\.yaml")
_ENV = re.compile(r"[^\W_][\w-]{0,62}")
# What is told of a name that is not found: a file of the project that is not there may declare it.
_MAY_STAND_THERE = (
    "overlay-new",
    "overlay-nothing",
    "provider-missing",
    "unknown-env",
    "unknown-provider",
    "unknown-reference",
    "unknown-variable",
)


def read_tree(
    root: Path,
    env: str,
    problems: Problems,
    cache: ParseCache | None = None,
    looked: Looked | None = None,
) -> Tree:
    """Read every file of a project for one environment."""
    tree = Tree()
    looked = looked if looked is not None else Looked()
    looked.names = project_names(root, env)
    names = _names(root, looked.names, problems)
    if not names:
        return tree
    reader = _Files(root, problems, tree, cache, looked)
    roots = [node for name in names if (node := reader.read(root / name, name, "")) is not None]
    project = tree.modules[()]
    overlay = _overlay(root, env, reader, problems)
    if reader.lacks(root / _overlay_name(env), env) or any(
        reader.lacks(root / name, "") for name in names
    ):
        tree.unread.add(())
    included: Node | None = None
    if overlay is not None and isinstance(overlay.value, dict):
        included = overlay.value.get("include")
    gather(tree, project, roots, problems)
    if included is not None:
        project.top["include"] = included
    reader.include(project, (root / MAIN,))
    if () in tree.unread:
        problems.excuse(_MAY_STAND_THERE)
    if overlay is not None:
        lay_over(tree, overlay, problems)
    _check_env(root, env, tree, problems, overlay is not None)
    return tree


def environments(root: Path) -> list[str]:
    """Return the environments that have an overlay, sorted."""
    found = (_OVERLAY.fullmatch(path.name) for path in root.glob("tunectl.*.yaml"))
    return sorted(match[1] for match in found if match)


class _Files:
    """Parses each file once and follows includes."""

    def __init__(
        self, root: Path, problems: Problems, tree: Tree, cache: ParseCache | None, looked: Looked
    ) -> None:
        self._root = root
        self._problems = problems
        self._tree = tree
        self._cache = cache
        self._looked = looked
        self._parsed: dict[tuple[Path, str], Node | None] = {}
        self._unread: set[tuple[Path, str]] = set()

    def read(self, path: Path, name: str, layer: str, at: Source | None = None) -> Node | None:
        """Parse a file once a layer; None when there is nothing to use."""
        key = (path, layer)
        if key not in self._parsed:
            told = len(self._problems)
            text = read_text(path, name, self._problems, at, self._looked)
            node = None if text is None else self._parse(File(name, text, layer))
            self._parsed[key] = node
            if node is None and len(self._problems) > told:  # else it holds nothing
                self._unread.add(key)
        return self._parsed[key]

    def lacks(self, path: Path, layer: str) -> bool:
        """Whether a file was to be read and could not be, which was told."""
        return (path, layer) in self._unread

    def _parse(self, file: File) -> Node | None:
        if not file.text.strip() and file.name == MAIN:
            self._problems.error(
                f"`{file.name}` is empty",
                Source(file.name),
                code="empty-file",
                hint="`tunectl init` writes an example to begin with",
            )
            return None
        node = parse(file, self._problems, self._cache)
        if node is not None and not node.is_map and (said := foreign(file)):
            self._problems.add(said)
            return None
        return node

    def include(self, module: Module, stack: tuple[Path, ...]) -> None:
        """Read what a module includes, and what that includes."""
        listed_here = module.top.pop("include", None)
        if listed_here is None or not isinstance(listed_here.value, list):
            return
        for node in listed_here.value:
            value = {"file": node.value} if isinstance(node.value, str) else plain(node)
            wanted = validated(INCLUDE, node, value, self._problems, "include")
            if wanted is not None:
                self._include(module, node, wanted, stack)
            elif isinstance(value, dict):  # what is meant cannot be read
                name = value.get("name")
                inside = (name,) if isinstance(name, str) else ()
                self._tree.unread.add((*module.path, *inside))

    def _include(
        self, module: Module, node: Node, wanted: IncludeFields, stack: tuple[Path, ...]
    ) -> None:
        at = node.find(("file",))[0].source
        path = Path(os.path.normpath(self._root / wanted.file))
        if path in stack:
            chain = " → ".join(self._shown(p) for p in (*stack[stack.index(path) :], path))
            self._problems.error(
                f"`include` goes round in a circle: {chain}",
                at,
                code="include-cycle",
                hint="remove one of them",
            )
            self._tree.unread.add(module.path)
            return
        layer = ".".join((*module.path, wanted.name)) if wanted.name else ".".join(module.path)
        root = self.read(path, wanted.file, layer, at)
        if self.lacks(path, layer):
            self._tree.unread.add((*module.path, wanted.name) if wanted.name else module.path)
        if wanted.name is None:
            if wanted.with_:
                self._problems.error(
                    "`with:` needs `name:`",
                    at,
                    code="include-with",
                    hint="only a module has variables",
                )
            if root is not None:
                gather(self._tree, module, [root], self._problems)
                self.include(module, (*stack, path))
            return
        given = node.find(("with",))[0]
        inner = Module(
            (*module.path, wanted.name), dict(given.items()) if wanted.with_ else {}, {}, at
        )
        if inner.path in self._tree.modules:
            self._problems.error(
                f"module `{wanted.name}` is included twice",
                at,
                code="duplicate-module",
                detail=f"the first one is at {self._tree.modules[inner.path].source}",
                hint="give one of them another `name:`",
            )
            return
        self._tree.modules[inner.path] = inner
        if root is not None:
            gather(self._tree, inner, [root], self._problems)
            self.include(inner, (*stack, path))

    def _shown(self, path: Path) -> str:
        return os.path.relpath(path, self._root)


def _names(root: Path, found: Names, problems: Problems) -> list[str]:
    if not root.is_dir():
        problems.error(f"there is no folder `{root}`", None, code="no-project")
        return []
    there, _, others = found
    if there:  # a link that leads nowhere is told of when it is read
        return [MAIN, *others]
    if others:
        return others
    hint = "`tunectl init` writes an example to begin with"
    if (root / "tunectl.yml").exists():
        hint = "rename `tunectl.yml` to `tunectl.yaml`"
    elif (root.resolve().parent / MAIN).exists():
        hint = "there is one in the folder above: `tunectl -C ..`"
    problems.error(f"there is no `{MAIN}` here", Source(MAIN), code="no-project", hint=hint)
    return []


def _overlay_name(env: str) -> str:
    return f"tunectl.{env}.yaml"


def _overlay(root: Path, env: str, reader: _Files, problems: Problems) -> Node | None:
    if not _ENV.fullmatch(env):
        problems.error(
            f"`{env}` cannot be the name of an environment",
            None,
            code="bad-env",
            hint="a letter or digit, then letters, digits, `_` and `-`",
        )
        return None
    name = _overlay_name(env)
    return reader.read(root / name, name, env) if (root / name).is_file() else None


def _check_env(root: Path, env: str, tree: Tree, problems: Problems, found: bool) -> None:
    if env == DEFAULT_ENV or found or not _ENV.fullmatch(env):
        return
    node = tree.top.get("environments")
    said = plain(node) if node is not None else []
    names = (
        [said]
        if isinstance(said, str)
        else [str(n) for n in said]
        if isinstance(said, list)
        else []
    )
    if env in names or (root / f"tunectl.{env}.yaml").is_file():
        return
    known = [*names, *environments(root), DEFAULT_ENV]
    problems.error(
        f"there is no environment `{env}`",
        None,
        code="unknown-env",
        hint=did_you_mean(
            env,
            known,
            f"known are {listed(known)}; write `tunectl.{env}.yaml` or `environments: [{env}]`",
        ),
    )
