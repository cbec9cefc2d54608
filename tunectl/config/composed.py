"""What libyaml composes to nodes of ours, with all there may be to say of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import yaml
from yaml._yaml import CParser

from tunectl.config.compacting import written
from tunectl.config.node import File, Node
from tunectl.config.problems import Problems
from tunectl.config.source import typed
from tunectl.config.syntax import (
    explain,
    has_odd_space,
    is_key_with_odd_space,
    wrapped_in_typographic_quotes,
)
from tunectl.config.written import UnusualError, Written
from tunectl.core.errors import Source
from tunectl.kinds import KINDS

_PLAIN, _TEXT, _COLLECTION = "plain", "text", "collection"
_Alias: TypeAlias = tuple[int, int, int]
_DEEPEST = 60
_MOST_VALUES = 2_000_000
_TAGS = {"tag:yaml.org,2002:" + t: t for t in ("str", "int", "float", "bool", "null", "map", "seq")}
# Fields that hold prose, where quotation marks and no-break spaces are the author's business.
_PROSE = frozenset({"template", "description", "default", "value"})


class _Composer(CParser):
    """libyaml's composer, told only whether a scalar stood without quotes."""

    def resolve(self, kind: type[object], _value: object, implicit: Sequence[bool]) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _COLLECTION

    def descend_resolver(self, *_: object) -> None: ...

    def ascend_resolver(self) -> None: ...


def composed(file: File, problems: Problems) -> Written | Node | None:
    """Return the compact form of a file, or its nodes where it has something unusual.

    Returns:
        None when it cannot be parsed or holds nothing; the reason is told.
    """
    try:
        tree = _Composer(file.text).get_single_node()
    except yaml.YAMLError as error:
        problems.add(explain(error, file))
        return None
    if tree is None:
        return None
    try:
        return written(
            tree, typed, plain=_PLAIN, text=_TEXT, collection=_COLLECTION, deepest=_DEEPEST
        )
    except UnusualError:
        return _Reader(file, problems).node(tree, 0, "")


class _Reader:
    """Turns libyaml's nodes into ours."""

    def __init__(self, file: File, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._done: dict[int, Node] = {}
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()
        self._seen: set[int] = set()
        self._aliases: Iterator[_Alias] | None = None

    def node(self, tree: yaml.Node, depth: int, under: str) -> Node:
        """Convert a node that stands under a key; an alias shares what its anchor holds."""
        start = tree.start_mark
        alias = self._alias(tree)
        if isinstance(tree, yaml.ScalarNode):
            return self._used(alias, self._scalar(tree, under))
        if id(tree) in self._done:
            return self._used(alias, self._again(tree))
        made = Node(None, self._file, start.line + 1, start.column + 1)
        if depth > _DEEPEST or id(tree) in self._open:
            held = id(tree) in self._open
            self._problems.error(
                "anchor holds itself" if held else "maps and lists are nested too deeply",
                made.source,
                code="yaml-nesting",
                hint="remove the alias inside its own anchor"
                if held
                else f"at most {_DEEPEST} levels",
            )
            self._aliases = iter(())  # what is not looked into may hold some
            return made
        self._open.add(id(tree))
        if isinstance(tree, yaml.MappingNode):
            made.value = self._map(tree, depth)
        else:
            made.value = [self.node(child, depth + 1, under) for child in tree.value]
        self._open.discard(id(tree))
        self._check_tag(tree, made)
        self._done[id(tree)] = made
        self._sizes[id(made.value)] = self._size(made)
        return made

    def _alias(self, tree: yaml.Node) -> _Alias | None:
        """Return the alias that a node stands for; None where it stands there itself.

        The composer gives what an anchor holds for each of its aliases, and not where those are;
        they follow each other as nodes do that were there before.
        """
        if id(tree) not in self._seen:
            self._seen.add(id(tree))
            return None
        if self._aliases is None:
            self._aliases = _aliases(self._file.text)
        return next(self._aliases, None)

    def _used(self, alias: _Alias | None, made: Node) -> Node:
        """Return a node at the place of its alias, and note where the anchor is."""
        if alias is None:
            return made
        anchor = made.source
        made.line, made.column, made.length = alias
        self._problems.uses_anchor(made.source, anchor)
        return made

    def _again(self, tree: yaml.Node) -> Node:
        first = self._done[id(tree)]
        return Node(first.value, first.file, first.line, first.column, first.length)

    def _size(self, made: Node) -> int:
        """Count the values with aliases written out, as everything after us sees them."""
        value = made.value
        assert isinstance(value, dict | list)
        children = list(value.values()) if isinstance(value, dict) else value
        size = 1 + sum(self._sizes.get(id(child.value), 1) for child in children)
        if size > _MOST_VALUES:
            self._problems.error(
                f"aliases expand to more than {_MOST_VALUES:,} values",
                made.source,
                code="yaml-aliases",
                hint="write fewer aliases of aliases",
            )
            made.value = None
            return 1
        return size

    def _map(self, tree: yaml.MappingNode, depth: int) -> dict[str, Node]:
        found: dict[str, Node] = {}
        merged: list[Node] = []
        for key, value in tree.value:
            self._alias(key)
            if not isinstance(key, yaml.ScalarNode):
                self._aliases = iter(())
                where = self._file.at(key.start_mark.line + 1, key.start_mark.column + 1)
                self._problems.error(
                    "key is not text", where, code="yaml-key", hint="a key is one word"
                )
                continue
            child = self.node(value, depth + 1, key.value)
            if key.value == "<<" and key.tag == _PLAIN:
                merged.extend(self._merged(child))
                continue
            mark = key.start_mark
            child.key = (mark.line + 1, mark.column + 1, _length(key), self._file)
            if self._is_pasted(key.value, child):
                continue
            name = key.value if key.value.isascii() else unicodedata.normalize("NFC", key.value)
            if name not in found:
                found[name] = child
            elif depth == 0 or not _holds_a_bare_kind(found):
                self._twice(name, found[name], child)
        for source in merged:
            for name, child in source.items():
                found.setdefault(name, child)
        return found

    def _twice(self, name: str, first: Node, second: Node) -> None:
        self._problems.error(
            f"`{name}` stands here twice",
            second.key_source,
            code="duplicate-key",
            detail=f"the first one is at {first.key_source}",
            hint="keep one of them",
        )

    def _merged(self, node: Node) -> list[Node]:
        sources = node.value if isinstance(node.value, list) else [node]
        if all(isinstance(source.value, dict) for source in sources):
            return sources
        self._problems.error(
            "`<<` takes a map", node.source, code="yaml-merge", hint="such as `<<: *defaults`"
        )
        return []

    def _scalar(self, tree: yaml.ScalarNode, under: str) -> Node:
        start, text, tag = tree.start_mark, tree.value, tree.tag
        plain = tag == _PLAIN
        made = Node(
            typed(text) if plain else text,
            self._file,
            start.line + 1,
            start.column + 1,
            _length(tree),
            plain,
        )
        if tag not in {_PLAIN, _TEXT}:
            self._tagged(tree, made)
        if plain and not text.isascii():
            self._check_text(text, made, under)
        return made

    def _tagged(self, tree: yaml.ScalarNode, made: Node) -> None:
        wanted = _TAGS.get(tree.tag)
        value = typed(tree.value)
        if wanted == "str" or tree.tag == "!":
            return
        if wanted == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        sorts = {"int": int, "float": float, "bool": bool, "null": type(None)}
        if wanted in sorts and type(value) is sorts[wanted]:
            made.value = value
            return
        self._check_tag(tree, made, wrong=True)

    def _check_tag(self, tree: yaml.Node, made: Node, *, wrong: bool = False) -> None:
        fits = {"map": yaml.MappingNode, "seq": yaml.SequenceNode}
        wanted = fits.get(_TAGS.get(tree.tag, ""))
        if wrong or not (tree.tag == _COLLECTION or (wanted and isinstance(tree, wanted))):
            tag = tree.tag.replace("tag:yaml.org,2002:", "!!")
            self._problems.error(
                f"tag `{tag}` does not fit here" if tree.tag in _TAGS else f"unknown tag `{tag}`",
                made.source,
                code="yaml-tag",
                hint="leave the tag out; values are written as they are",
            )

    def _is_pasted(self, key: str, child: Node) -> bool:
        """Whether a key came with characters from a web page; such an entry is left out."""
        if key.isascii():
            return False
        quoted = wrapped_in_typographic_quotes(key)
        pasted = quoted is not None or has_odd_space(key)
        if pasted:
            self._paste(child.key_source, "quotes" if quoted else "space", quoted or "")
        return pasted

    def _check_text(self, text: str, made: Node, under: str) -> None:
        if under in _PROSE:
            return
        quoted = wrapped_in_typographic_quotes(text)
        if quoted:
            self._paste(made.source, "quotes", quoted)
            made.value = typed(quoted)
        elif has_odd_space(text[:1]) or is_key_with_odd_space(text):
            self._paste(made.source, "space", "")

    def _paste(self, source: Source, what: str, inside: str) -> None:
        if what == "quotes":
            self._problems.error(
                "typographic quotes are not quotes in YAML",
                source,
                code="typographic-quotes",
                hint=f'write `"{inside}"` with straight quotes',
            )
        else:
            self._problems.error(
                "no-break space where a space belongs",
                source,
                code="no-break-space",
                hint="it was pasted from a web page; delete it and type a space",
            )


def _aliases(text: str) -> Iterator[_Alias]:
    """Yield where aliases stand, in the order of the text: line, column and length."""
    parser = _Composer(text)
    while parser.check_event():
        event = parser.get_event()
        if isinstance(event, yaml.AliasEvent):
            mark, name = event.start_mark, event.anchor
            assert mark is not None
            assert name is not None
            yield mark.line + 1, mark.column + 1, len(name) + 1


def _holds_a_bare_kind(found: dict[str, Node]) -> bool:
    """Whether a kind was indented too far: then what follows belongs to it, not to this map."""
    return any(name in KINDS and node.value is None for name, node in found.items())


def _length(tree: yaml.ScalarNode) -> int:
    start, end = tree.start_mark, tree.end_mark
    return int(end.column - start.column) if start.line == end.line else 1
