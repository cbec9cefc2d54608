"""Where a field of a resource stands that a provider's handler speaks of.

A handler knows where its resource stands, and no more; what it refuses it names in backticks:
`method.lora_r`, `suffix: x.y`. The files are read again for it: only when something is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from tunectl.config.node import File, Node
from tunectl.config.problems import Problems
from tunectl.config.source import parse
from tunectl.core.errors import Diagnostic, Source

_NAMED = re.compile(r"`([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)(?::[^`]*)?`")


def at_fields(root: Path, found: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the same diagnostics, each at the field that it names, where it names one.

    Args:
        root: the project's folder.
        found: what handlers said, at the line on which its resource begins.
    """
    read: dict[str, Mapping[int, Node]] = {}
    return tuple(_at_field(root, one, read) for one in found)


def _at_field(root: Path, said: Diagnostic, read: dict[str, Mapping[int, Node]]) -> Diagnostic:
    names = _NAMED.findall(said.summary)
    if said.source is None or not names:
        return said
    if said.source.file not in read:
        read[said.source.file] = _resources(root, said.source)
    owner = read[said.source.file].get(said.source.line)
    for name in names if owner is not None else ():
        assert owner is not None
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


def _resources(root: Path, source: Source) -> Mapping[int, Node]:
    """The resources of a file by the line on which the name of each stands."""
    try:
        text = (root / source.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return {}
    top = parse(File(source.file, text, source.layer), Problems())
    kinds = [kind for _, kind in top.items()] if top is not None else []
    return {node.key_source.line: node for kind in kinds for _, node in kind.items() if node.is_map}
