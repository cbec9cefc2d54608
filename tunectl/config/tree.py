"""What the files of a project say together: blocks by kind, the other top-level keys, modules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from tunectl.config.node import Node, sort
from tunectl.config.problems import Problems, did_you_mean
from tunectl.config.synonyms import ours
from tunectl.config.syntax import is_key_with_odd_space
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import NAME
from tunectl.kinds import DERIVED, KINDS, PLANNED
from tunectl.kinds.reading import name_hint

MAPS = ("providers", "variables", "outputs", "labels", "prices")
LISTS = ("environments", "env", "include", "moved", "removed", "import")
SCALARS = ("project", "state", "default_provider")
OTHERS = ("checks",)  # a map, or text that is short for one
IN_MODULES = ("variables", "include")
_KINDS = frozenset((*KINDS, *DERIVED))
_ABOVE_ALL = (*SCALARS, *MAPS, *LISTS, *OTHERS)


@dataclass(slots=True)
class Block:
    """One declared resource before `for_each`.

    Attributes:
        path: the modules it stands in, then its name.
        node: its fields.
        source: where its name stands.
    """

    kind: str
    path: tuple[str, ...]
    node: Node
    source: Source

    @property
    def module(self) -> tuple[str, ...]:
        """The module it stands in."""
        return self.path[:-1]


@dataclass(slots=True)
class Module:
    """One file read with a name, or the project itself.

    Attributes:
        given: the values under `with:`.
        top: its top-level keys but for kinds.
        source: where it is included.
    """

    path: tuple[str, ...] = ()
    given: dict[str, Node] = field(default_factory=dict)
    top: dict[str, Node] = field(default_factory=dict)
    source: Source | None = None


@dataclass(slots=True)
class Tree:
    """Everything that was read.

    Attributes:
        unusable: kinds of which some names could not be read, so that a reference to one of that
            kind may be right.
        unread: modules of which a file could not be read: what is not found may stand in it.
    """

    modules: dict[tuple[str, ...], Module] = field(default_factory=lambda: {(): Module()})
    blocks: dict[tuple[str, tuple[str, ...]], Block] = field(default_factory=dict)
    unusable: set[str] = field(default_factory=set)
    unread: set[tuple[str, ...]] = field(default_factory=set)

    @property
    def top(self) -> dict[str, Node]:
        """The project's own top-level keys."""
        return self.modules[()].top


def gather(tree: Tree, module: Module, roots: Iterable[Node], problems: Problems) -> None:
    """Add the content of files of one layer to a module; an address twice is an error."""
    for root in roots:
        if not isinstance(root.value, dict):
            _not_a_map(root, problems)
            tree.unread.add(module.path)
            continue
        if "apiVersion" in root.value:
            problems.error(
                "this is a Kubernetes document",
                root.value["apiVersion"].key_source,
                code="api-version",
                hint="tunectl has no `apiVersion` and `kind`: `tunectl init` writes an example",
            )
            tree.unread.add(module.path)
            continue
        for key, node in root.items():
            _take(tree, module, key, node, problems)


def _take(tree: Tree, module: Module, key: str, node: Node, problems: Problems) -> None:
    if key.startswith("x-"):
        return
    if key in KINDS:
        above = module.path
        for name, child in entries(key, node, problems, tree.unusable):
            path = (*above, name)
            block = Block(key, path, child, child.key_source)
            first = tree.blocks.setdefault((key, path), block)
            if first is not block:
                problems.error(
                    f"`{key}.{'.'.join(block.path)}` is declared twice",
                    block.source,
                    code="duplicate-address",
                    detail=f"the first one is at {first.source}",
                    hint="give one of them another name",
                )
        return
    if not known_key(key, node, bool(module.path), problems):
        return
    if node.value is None:
        return
    _merge(module.top, key, node, problems)


def _merge(top: dict[str, Node], key: str, node: Node, problems: Problems) -> None:
    before = top.get(key)
    if before is None or not _has_shape(key, node, problems):
        if before is None and _has_shape(key, node, problems):
            top[key] = _copy(node)
        return
    if isinstance(before.value, dict) and isinstance(node.value, dict):
        for name, child in node.items():
            first = before.value.setdefault(name, child)
            if first is not child:
                _again(f"{key}.{name}", child, first, problems)
    elif isinstance(before.value, list) and isinstance(node.value, list):
        before.value.extend(node.value)
    else:
        _again(key, node, before, problems)


def _copy(node: Node) -> Node:
    value = node.value
    made = Node(value, node.file, node.line, node.column, node.length)
    made.key = node.key
    if isinstance(value, dict):
        made.value = dict(value)
    elif isinstance(value, list):
        made.value = list(value)
    return made


def _again(what: str, second: Node, first: Node, problems: Problems) -> None:
    problems.error(
        f"`{what}` is set twice",
        second.key_source,
        code="duplicate-key",
        detail=f"the first one is at {first.key_source}",
        hint="keep one of them",
    )


def _has_shape(key: str, node: Node, problems: Problems) -> bool:
    wanted: type = dict if key in MAPS else list if key in LISTS else object
    if key in {"environments", "env"} and isinstance(node.value, str):
        return True
    if isinstance(node.value, wanted):
        return True
    words = "a map" if wanted is dict else "a list"
    problems.error(
        f"`{key}` must be {words}, not {sort(node.value)}",
        node.key_source,
        code="wrong-type",
        hint=f"write `{key}:` and `name: …` pairs below it"
        if wanted is dict
        else f"write `{key}:` and `- …` lines below it",
    )
    return False


def known_key(key: str, node: Node, in_module: bool, problems: Problems) -> bool:
    """Whether a top-level key may stand here; otherwise say what is wrong with it."""
    allowed = IN_MODULES if in_module else _ABOVE_ALL
    if key in allowed:
        return True
    if said := ours(key, allowed):
        problems.error(f"unknown key `{key}`", node.key_source, code="unknown-key", hint=said)
    elif key in PLANNED:
        problems.error(
            f"`{key}` is not in this version", node.key_source, code="planned", hint="remove it"
        )
    elif key in DERIVED:
        problems.error(
            f"`{key}` is made by tunectl, nobody writes it",
            node.key_source,
            code="derived-kind",
            hint="a tuning job makes its uploads from the dataset it names",
        )
    elif in_module and key in _ABOVE_ALL:
        problems.error(
            f"`{key}` belongs in `tunectl.yaml`, not in a module",
            node.key_source,
            code="module-key",
            hint="a module holds kinds, `variables` and `include`",
        )
    else:
        problems.error(
            f"unknown key `{key}`",
            node.key_source,
            code="unknown-key",
            hint=did_you_mean(key, (*KINDS, *allowed), _kinds_hint()),
        )
    return False


def _kinds_hint() -> str:
    return f"kinds are {', '.join(f'`{kind}`' for kind in KINDS)}"


def entries(
    kind: str, node: Node, problems: Problems, unusable: set[str]
) -> list[tuple[str, Node]]:
    """Return the named entries under a kind, after the usual mistakes are sorted out."""
    if node.value is None:
        return []
    if not isinstance(node.value, dict):
        problems.error(
            f"`{kind}` must be a map of names, not {sort(node.value)}",
            node.key_source,
            code="wrong-type",
            hint=f"write `{kind}:`, below it a name such as `support:`, below that the fields",
        )
        unusable.add(kind)
        return []
    fields = KINDS.named[kind].facts.model_fields
    for name, child in () if fields.keys().isdisjoint(node.value) else node.items():
        if name in fields and not isinstance(child.value, dict):
            problems.error(
                f"the name is missing: `{name}` stands directly under `{kind}`",
                child.key_source,
                code="name-missing",
                hint=f"put a name between: `{kind}:`, below it `support:`, below that `{name}:`",
            )
            unusable.add(kind)
            return []
    found: list[tuple[str, Node]] = []
    for name, child in node.items():
        if (name not in _KINDS and NAME.fullmatch(name)) or _is_name(kind, name, child, problems):
            found.append((name, child))
        elif name in KINDS:
            unusable.add(name)
            if child.value is None:  # indented too far: what follows stands under it, not here
                break
        else:
            unusable.add(kind)
    return found


def _is_name(kind: str, name: str, node: Node, problems: Problems) -> bool:
    if name in _KINDS:
        problems.error(
            f"kind `{name}` stands inside kind `{kind}`",
            node.key_source,
            code="nested-kind",
            hint=f"move `{name}:` to the left margin",
        )
        return False
    if not NAME.fullmatch(name):
        problems.error(
            f"`{name}` is not a name", node.key_source, code="bad-name", hint=name_hint(name)
        )
        return False
    return True


def _not_a_map(root: Node, problems: Problems) -> None:
    said = root.value
    if isinstance(said, str) and is_key_with_odd_space(said):
        return
    if isinstance(said, str) and ":" in said:
        hint = "a space belongs after each `:`"
    else:
        hint = "begin with `project: NAME`"
    problems.error(
        f"the file must be a map, not {sort(said)}", root.source, code="wrong-type", hint=hint
    )
