"""The text of a state: one line of JSON, but for each instance, which has a line of its own.

So it can be read some lines at a time: a parser touches four times the memory of the text it is
given, and what it has for some lines it has for the next ones too.

Law: reading line by line gives what reading the whole would give, or fails. It begins and ends
where a bracket does, and parts at commas on both sides of which there is whole JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from tunectl.core.record import instance_from_tree, lean_tree
from tunectl.core.resource import Instance
from tunectl.core.valuetree import Tree

_KEY, _ENDED = "instances", "superseded"  # both of instances
_OPEN = b',"instances":[\n'  # no text in JSON holds the end of a line
_NEXT = b",\n"
_CLOSE = b"\n],"
_PIECE = 20_000  # bytes at least: what is read of them stays in the caches of a processor


def written(document: Tree) -> bytearray:
    """Return the text of a state's document; neither its first key nor its last are instances.

    Args:
        document: whose instances are such yet, not trees: those of thousands, or their lines,
            would take several times the memory of the text.
    """
    document = {**document, _ENDED: list(map(lean_tree, document[_ENDED]))}
    if not document[_KEY]:
        return bytearray(orjson.dumps(document))
    keys = list(document)
    at = keys.index(_KEY)
    text = bytearray(orjson.dumps({key: document[key] for key in keys[:at]}))
    text[-1:] = _OPEN
    for instance in document[_KEY]:
        text += orjson.dumps(lean_tree(instance))
        text += _NEXT
    text[-len(_NEXT) :] = _CLOSE
    text += orjson.dumps({key: document[key] for key in keys[at + 1 :]})[1:]
    return text


def read(content: bytes) -> tuple[Tree, list[Instance]] | None:
    """Read the text of a state; None where its instances have no lines of their own.

    Args:
        content: what `written` returned, or that with more keys at its end.

    Returns:
        the document without its instances, and those.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no JSON, or a line is no instance.
    """
    at = content.find(_OPEN)
    start = at + len(_OPEN)
    stop = content.find(_CLOSE, start)
    if at < 0 or stop < 0:
        return None
    document = orjson.loads(content[:at] + b"," + content[stop + len(_CLOSE) :])
    found: list[Instance] = []
    for piece in _pieces(content, start, stop):
        trees = orjson.loads(b"[%b]" % piece)
        lists = _has_lists(piece, trees)
        found += [instance_from_tree(tree, lists=lists) for tree in trees]
    return document, found


def _pieces(content: bytes, at: int, stop: int) -> Iterator[bytes]:
    while at < stop:
        end = content.find(_NEXT, at + _PIECE, stop)
        end = stop if end < 0 else end
        yield content[at:end]
        at = end + len(_NEXT)


def _has_lists(piece: bytes, trees: list[Any]) -> bool:
    """Whether there may be more lists in a piece than those of needs.

    Each list opens a bracket. One before a backslash opens none: that is the key of an address, in
    a text. Other brackets in texts count as lists, which does no harm.
    """
    told = sum([tree.get("needs").__class__ is list for tree in trees])
    opened = piece.count(b"[")
    return opened != told and opened - piece.count(b"[\\") != told
