"""Where a field of a resource, or a setting of a provider, stands that a handler speaks of.

A handler knows where its resource stands, and no more; what it refuses it names in backticks:
`method.lora_r`, `suffix: x.y`. The files are read again for it: only when something is wrong. Of
two layers that say a field, the overlay counts, and so its place is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tunectl.config.node import File, Node
from tunectl.config.problems import Problems
from tunectl.config.source import parse
from tunectl.core.errors import Diagnostic, Source

_NAMED = re.compile(r"`([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)(?::[^`]*)?`")


def at_fields(root: Path, found: Iterable[Diagnostic], env: str = "") -> tuple[Diagnostic, ...]:
    """Return the same diagnostics, each at the field that it names, where it names one.

    Args:
        root: the project's folder.
        found: what handlers said, at the line on which its resource or provider begins.
        env: the environment, whose overlay may say the field again; none by default.
    """
    files = _Files(root, env)
    return tuple(_at_field(one, files) for one in found)


def _at_field(said: Diagnostic, files: _Files) -> Diagnostic:
    names = _NAMED.findall(said.summary)
    if said.source is None or not names:
        return said
    owners = files.owners(said.source)
    for name in names:
        for owner in owners:
            if (node := _named(owner, tuple(name.split(".")))) is not None:
                inside = isinstance(node.value, dict | list)
                return replace(said, source=node.key_source if inside else node.source)
    return said


def _named(owner: Node, path: tuple[str, ...]) -> Node | None:
    """Return the field of that path: from the top, else in the one map of fields that has it."""
    node, whole = owner.find(path)
    if whole:
        return node
    inner = [found for _, part in owner.items() if part.is_map for found in [part.find(path)]]
    there = [found for found, whole in inner if whole]
    return there[0] if len(there) == 1 else None


class _Files:
    """The files that were asked for, each read once."""

    def __init__(self, root: Path, env: str) -> None:
        self._root = root
        self._overlay = Source(f"tunectl.{env}.yaml", layer=env) if env else None
        self._read: dict[str, dict[tuple[str, str], Node]] = {}

    def owners(self, source: Source) -> list[Node]:
        """Return what is declared at a line, in the layers that say it; the overlay's first."""
        of_line = {n.key_source.line: (key, n) for key, n in self._declared(source).items()}
        if source.line not in of_line:
            return []
        key, node = of_line[source.line]
        if source.layer or self._overlay is None:  # a module, of which no overlay speaks; or it is
            return [node]
        over = self._declared(self._overlay).get(key)
        return [node] if over is None else [over, node]

    def _declared(self, source: Source) -> dict[tuple[str, str], Node]:
        """Return what a file declares, by the word it stands under and its name."""
        if source.file not in self._read:
            self._read[source.file] = {
                (word, name): node
                for word, under in _top(self._root, source)
                for name, node in under.items()
                if node.is_map
            }
        return self._read[source.file]


def _top(root: Path, source: Source) -> Iterable[tuple[str, Node]]:
    try:
        text = (root / source.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    top = parse(File(source.file, text, source.layer), Problems())
    return () if top is None else top.items()
