"""An environment's overlay: maps merge by key, the rest replaces, null removes."""

from __future__ import annotations

from collections.abc import Iterable

from tunectl.config.drafts import Draft
from tunectl.config.node import Node, sort
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.tree import Block, Tree, entries, known_key
from tunectl.core.errors import Diagnostic
from tunectl.kinds import KINDS

# What an overlay may not touch: another project or another state is another thing altogether.
_FIXED = ("project", "state")
_NOT_HERE = ("environments",)
_NAMED = frozenset({"outputs", "variables"})


def lay_over(tree: Tree, overlay: Node, problems: Problems) -> None:
    """Merge an overlay into the project."""
    if not isinstance(overlay.value, dict):
        problems.error(
            f"the file must be a map, not {sort(overlay.value)}", overlay.source, code="wrong-type"
        )
        return
    for key, node in overlay.items():
        if key in KINDS:
            _blocks(tree, key, node, problems)
        elif key in _FIXED or key in _NOT_HERE:
            problems.error(
                f"an overlay may not change `{key}`",
                node.key_source,
                code="overlay-fixed",
                hint=f"set `{key}` in `tunectl.yaml`",
            )
        elif key.startswith("x-") or key == "include":
            continue
        elif known_key(key, node, in_module=False, problems=problems):
            _top(tree, key, node, problems)


def _top(tree: Tree, key: str, node: Node, problems: Problems) -> None:
    if key == "variables":
        node = _spelled_out(node)
        if key in tree.top:
            tree.top[key] = _spelled_out(tree.top[key])
    before = tree.top.get(key)
    if node.value is None:
        tree.top.pop(key, None)
    elif before is None:
        tree.top[key] = _without_nulls(node)
    else:
        tree.top[key] = merged(before, _without_slips(key, before, node, problems))


def _without_slips(key: str, before: Node, node: Node, problems: Problems) -> Node:
    """Tell names that are nearly those of outputs and variables below; return what is meant so."""
    if key not in _NAMED or not isinstance(node.value, dict) or not before.is_map:
        return node
    known, slips = dict(before.items()), set()
    for name, child in node.items():
        near = did_you_mean(name, known) if name not in known and child.value is not None else ""
        if near and key == "variables":
            problems.warn(
                f"variable `{name}` is declared in this overlay only",
                child.key_source,
                code="overlay-new",
                hint=near,
            )
        elif near and not child.has("value"):
            slips.add(name)
            problems.error(
                f"there is no output `{name}` that this overlay could change",
                child.key_source,
                code="overlay-new",
                hint=near,
            )
    made = Node(
        {name: child for name, child in node.items() if name not in slips},
        node.file,
        node.line,
        node.column,
        node.length,
    )
    made.key = node.key
    return made


def _spelled_out(variables: Node) -> Node:
    """Write `epochs: 3` as `epochs: {default: 3}`, so that two layers merge."""
    if not isinstance(variables.value, dict):
        return variables
    made = Node({}, variables.file, variables.line, variables.column, variables.length)
    made.key = variables.key
    values: dict[str, Node] = {}
    for name, node in variables.items():
        values[name] = node
        if node.value is not None and not isinstance(node.value, dict):
            values[name] = Node({"default": node}, node.file, node.line, node.column, node.length)
            values[name].key = node.key
    made.value = values
    return made


def _blocks(tree: Tree, kind: str, node: Node, problems: Problems) -> None:
    if node.value is None:
        for key in [key for key in tree.blocks if key[0] == kind and len(key[1]) == 1]:
            del tree.blocks[key]
        return
    for name, child in entries(kind, node, problems, tree.unusable):
        key = (kind, (name,))
        before = tree.blocks.get(key)
        if child.value is None:
            if before is None:
                _nothing(tree, kind, name, child, problems)
            tree.blocks.pop(key, None)
        elif before is None:
            tree.blocks[key] = Block(kind, (name,), _without_nulls(child), child.key_source)
        else:
            tree.blocks[key] = Block(kind, (name,), merged(before.node, child), before.source)


def _nothing(tree: Tree, kind: str, name: str, node: Node, problems: Problems) -> None:
    """Tell that what an overlay removes is not there: a slip of the pen would keep it."""
    same = [
        f"{kind}.{path[0]}"
        for (known, path), block in tree.blocks.items()
        if known == kind and len(path) == 1 and not block.source.layer
    ]
    problems.error(
        f"there is no `{kind}.{name}` to remove",
        node.key_source,
        code="overlay-nothing",
        hint=did_you_mean(f"{kind}.{name}", same, "remove this line"),
    )


def explain_new(drafts: Iterable[Draft], problems: Problems) -> None:
    """Tell where an overlay adds a resource that is not whole: mostly its name is misspelt.

    Then what it lacks is not told: it is there, under the right name.
    """
    drafts = list(drafts)
    for draft in drafts:
        address = draft.address
        if draft.model is not None or not draft.source.layer or len(address.path) > 1:
            continue
        if not problems.speaks_of(str(address), draft.source):
            continue  # nothing is missing: what is wrong with it is told where it stands
        below = [d.address for d in drafts if not d.source.layer]
        same = [str(one) for one in below if one.kind == address.kind]
        if hint := did_you_mean(str(address), same):
            problems.instead(
                Diagnostic(
                    summary=f"there is no `{address}` that this overlay could change",
                    source=draft.source,
                    hint=hint,
                    code="overlay-new",
                    address=str(address),
                )
            )
            continue
        known = f"declared are {listed(same)}; " if same else ""
        problems.warn(
            f"`{address}` is declared in this overlay only",
            draft.source,
            code="overlay-new",
            hint=f"{known}declare it in `tunectl.yaml`, or make it whole here",
            address=str(address),
        )


def merged(under: Node, over: Node) -> Node:
    """Return one node with another laid over it."""
    if not (isinstance(under.value, dict) and isinstance(over.value, dict)):
        return _without_nulls(over)
    value = dict(under.value)
    for key, node in over.value.items():
        if node.value is None:
            value.pop(key, None)
        elif key in value:
            value[key] = merged(value[key], node)
        else:
            value[key] = _without_nulls(node)
    made = Node(value, under.file, under.line, under.column, under.length)
    made.key = under.key
    return made


def _without_nulls(node: Node) -> Node:
    if not isinstance(node.value, dict):
        return node
    kept = {key: _without_nulls(child) for key, child in node.items() if child.value is not None}
    made = Node(kept, node.file, node.line, node.column, node.length)
    made.key = node.key
    return made
