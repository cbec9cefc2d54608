"""From blocks to drafts: one for each item of a `for_each`, evaluated and validated."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tunectl.config.node import Node, Path, sort
from tunectl.config.problems import Problems
from tunectl.config.refs import References
from tunectl.config.scope import Each, Scope
from tunectl.config.template import Evaluator
from tunectl.config.tree import Block, Tree
from tunectl.config.validating import validated
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import Address
from tunectl.kinds import KINDS

if TYPE_CHECKING:
    from tunectl.kinds.declared import Declared

Scopes = Mapping[tuple[str, ...], Scope]
Known = dict[tuple[str, tuple[str, ...]], Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Draft:
    """One wanted resource before references are resolved.

    Attributes:
        model: its validated fields; None when they do not fit.
    """

    address: Address
    node: Node
    scope: Scope
    source: Source
    model: Declared | None

    def at(self, *path: str | int) -> Source:
        """Return where a field stands; the resource itself when it is not written."""
        node, _ = self.node.find(path)
        return node.source if node is not self.node else self.source


@dataclass(frozen=True, slots=True)
class _Item:
    block: Block
    scope: Scope
    key: str | None


def expand(tree: Tree, scopes: Scopes, problems: Problems) -> tuple[Known, list[_Item]]:
    """Return the keys of every block, and one item for each resource it makes."""
    known: Known = dict.fromkeys(tree.blocks)
    evaluator = Evaluator(
        References(dict.fromkeys(tree.blocks), problems, tree.unusable, tree.unread), problems
    )
    items: list[_Item] = []
    for name, block in tree.blocks.items():
        scope = scopes[block.module]
        wanted = block.node.find(("for_each",))[0] if block.node.has("for_each") else None
        if wanted is None or wanted.value is None:
            items.append(_Item(block, scope, None))
            continue
        each = _each(wanted, scope, evaluator, problems)
        known[name] = [item.key for item in each]
        items.extend(_Item(block, scope.for_item(item), item.key) for item in each)
    return known, items


def _each(node: Node, scope: Scope, evaluator: Evaluator, problems: Problems) -> list[Each]:
    broken: set[Path] = set()
    value = evaluator.value(node, scope, broken)
    if broken:
        return []
    if isinstance(value, dict):
        return [Each(str(key), item) for key, item in value.items()]
    if not isinstance(value, list):
        late = sort(value) == "a reference"
        must = "known when planning" if late else f"a list or a map, not {sort(value)}"
        problems.error(
            f"`for_each` must be {must}",
            node.source,
            code="wrong-type",
            hint="such as `for_each: [pl, ru]`",
        )
        return []
    found: dict[str, Each] = {}
    for index, item in enumerate(value):
        at = node.find((index,))[0].source
        if not isinstance(item, str):
            problems.error(
                f"an item of `for_each` must be text, not {sort(item)}",
                at,
                code="wrong-type",
                hint=f'write it in quotes: `"{item}"`' if isinstance(item, int | float) else "",
            )
        elif (item := unicodedata.normalize("NFC", item)) in found:
            problems.error(
                f"`for_each` has `{item}` twice", at, code="duplicate-key", hint="keep one of them"
            )
        else:
            found[item] = Each(item, item)
    return list(found.values())


def drafted(items: Sequence[_Item], evaluator: Evaluator, problems: Problems) -> list[Draft]:
    """Evaluate and validate every item."""
    return [_draft(item, evaluator, problems) for item in items]


def _draft(item: _Item, evaluator: Evaluator, problems: Problems) -> Draft:
    block = item.block
    address = Address(block.kind, block.path, item.key)
    node = block.node
    if node.has("for_each"):
        fields = {key: child for key, child in node.items() if key != "for_each"}
        node = Node(fields, node.file, node.line, node.column, node.length)
        node.key = block.node.key
    broken: set[Path] = set()
    value = evaluator.value(node, item.scope, broken)
    value = {} if value is None else value
    model = validated(KINDS.named[block.kind], node, value, problems, address, broken)
    return Draft(address, node, item.scope, block.source, None if broken else model)
