"""The state's format: one JSON document with a format number and a checksum.

Law: what cannot be understood completely is refused by name and is never read as "nothing there".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StateError
from tunectl.core.places import recorded_twice
from tunectl.core.record import lean_tree, state_from_tree, state_to_tree
from tunectl.core.resource import Instance
from tunectl.core.state import State
from tunectl.core.valuetree import Tree
from tunectl.stores import statelines

FORMAT = 2
_BEGINNING = b'{"format":%d,' % FORMAT

# Upgrades by the format they start from; each takes a document to the next format.
# Since 2 what says nothing is left out, and the checksum may be over the very bytes.
UPGRADES: dict[int, Callable[[Tree], Tree]] = {1: lambda document: {**document, "format": 2}}

_HINT = (
    "`tunectl state repair` rebuilds it, `tunectl state history` lists the copies that are kept; "
    "do not delete it: it is the only record of what you pay for"
)
_ELSEWHERE = "check the `state:` address; nothing was read or written"


@dataclass(frozen=True, slots=True)
class Document:
    """A state with what its document says beside it.

    Attributes:
        tool_version: of the tunectl that wrote it.
        format: the number it was written in.
    """

    state: State
    tool_version: str
    format: int


def encode(state: State, tool_version: str) -> bytes:
    """Return the document of a state: UTF-8 JSON, a line for each instance, its checksum last.

    The checksum is over the bytes before it, closed with a brace.
    """
    text = statelines.written(_body(state, tool_version, _as_it_is))
    text[-1:] = _ending("sha256:" + hashlib.sha256(text).hexdigest())
    return bytes(text)


def encode_readable(state: State, tool_version: str) -> bytes:
    """Return the document of a state for people, indented.

    The checksum is over its content, and holds however the document is laid out.
    """
    body = _body(state, tool_version, lean_tree)
    document = {**body, "checksum": _checksum(body)}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _body(state: State, tool_version: str, record: Callable[[Instance], Any]) -> Tree:
    return {"format": FORMAT, "tool_version": tool_version, **state_to_tree(state, record)}


def _as_it_is(instance: Instance) -> Instance:
    return instance


def _ending(checksum: str) -> bytes:
    return f',"checksum":"{checksum}"}}\n'.encode()


_LAST = len(_ending("sha256:" + hashlib.sha256().hexdigest()))


def check_places(state: State, name: str) -> None:
    """Refuse to store a state in which one object stands at two addresses.

    Raises:
        StateError: naming both; whoever deletes at one would delete what lives at the other.
    """
    if not (found := recorded_twice(state)):
        return
    from shlex import quote

    one, other = found[0]
    raise StateError.of(
        f"state `{name}` records `{one.id}` at two addresses, `{one.address}` and "
        f"`{other.address}`: it is not stored",
        detail="\n".join(f"{a.id}: {a.address}, {b.address}" for a, b in found[1:]),
        hint=f"`tunectl state rm {quote(str(other.address))}` forgets the second and leaves "
        "the object where it is",
        code="recorded-twice",
    )


def decode(content: bytes, name: str) -> State:
    """Return the state of a document; as `read_document`."""
    return read_document(content, name).state


def read_document(content: bytes, name: str, hint: str = "") -> Document:
    """Read the document of a state, brought up to the present format.

    Args:
        content: the bytes as stored.
        name: what the user calls the place, for messages.
        hint: what to do when it is damaged or no state; by default for one that is in its store.

    Raises:
        StateError: it is empty, truncated, foreign, altered or from a newer version.
    """
    if not content or content.isspace():
        raise StateError.of(f"state `{name}` is empty", code="state-empty", hint=hint or _HINT)
    lines = _by_lines(content)
    document, instances = lines or (_document(content, name, hint), None)
    version = document.get("format")
    numbered = type(document.get("serial")) is int
    if type(version) is not int or not numbered or "lineage" not in document:
        raise StateError.of(
            f"`{name}` is not a tunectl state",
            hint=hint or _ELSEWHERE,
            code="state-foreign",
        )
    if version > FORMAT:
        raise StateError.of(
            f"state `{name}` has format {version}; this version reads up to {FORMAT}",
            hint=f"it was written by tunectl {document.get('tool_version', 'of a newer version')}: "
            "upgrade this one",
            code="state-newer",
        )
    stated = document.pop("checksum", None)
    if lines is None and not (_is_as_written(content, stated) or stated == _checksum(document)):
        raise StateError.of(
            f"state `{name}` was altered outside tunectl: its checksum does not match",
            hint=hint or _HINT,
            code="state-tampered",
        )
    try:
        state = state_from_tree(_upgraded(document, version, name), instances)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError.of(
            f"state `{name}` cannot be understood: {error}",
            hint=hint or _HINT,
            code="state-malformed",
        ) from error
    return Document(state, str(document.get("tool_version", "")), version)


def _upgraded(document: Tree, version: int, name: str) -> Tree:
    """Bring a document up to the present format, one step after another."""
    for number in range(version, FORMAT):
        if number not in UPGRADES:
            raise StateError.of(
                f"state `{name}` has format {version}, which this version cannot read any more",
                hint="apply once with the version that wrote it, then with one in between",
                code="state-older",
            )
        document = UPGRADES[number](document)
    return document


def _document(content: bytes, name: str, hint: str) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise StateError.of(
            f"state `{name}` is truncated or damaged",
            detail=str(error),
            hint=hint or _HINT,
            code="state-damaged",
        ) from error
    if not isinstance(document, dict):
        raise StateError.of(
            f"`{name}` is not a tunectl state",
            hint=hint or _ELSEWHERE,
            code="state-foreign",
        )
    return document


def _by_lines(content: bytes) -> tuple[Tree, list[Instance]] | None:
    """Return what a document of the present format says, as `statelines` reads it.

    None where it is to be read as a whole: not every byte is as it was, or it has no lines.
    """
    if not content.startswith(_BEGINNING):
        return None
    digest = hashlib.sha256(memoryview(content)[:-_LAST])
    digest.update(b"}")
    if not content.endswith(_ending("sha256:" + digest.hexdigest())):
        return None
    try:
        return statelines.read(content)
    except (KeyError, TypeError, ValueError, AttributeError):  # it is told what is wrong as a whole
        return None


def _is_as_written(content: bytes, stated: object) -> bool:
    """Whether not one byte of a document is another than when it was written."""
    if not isinstance(stated, str) or not content.endswith(ending := _ending(stated)):
        return False
    digest = hashlib.sha256(memoryview(content)[: -len(ending)])
    digest.update(b"}")
    return stated == "sha256:" + digest.hexdigest()


def _checksum(body: Tree) -> str:
    return "sha256:" + hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
