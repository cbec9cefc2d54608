"""Keys of accounts that stand in a declaration as they are: in labels, metadata and defaults.

All of these are sent to providers, written into the state and shown in plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from tunectl.config.drafts import Draft
from tunectl.config.node import Node
from tunectl.config.problems import Problems
from tunectl.core.errors import Source
from tunectl.core.value import Address

_FIELDS = ("metadata", "labels")
_TEXT = frozenset({str})
_LEAST = 16  # characters; no key that is known by its pattern is shorter


def check_literals(top: Node, drafts: Iterable[Draft], problems: Problems) -> None:
    """Refuse a key in the labels of the project and the labels and metadata of resources."""
    owners: list[tuple[str, Address | None, Node]] = []
    owners += [("labels", None, top)] if top.has("labels") else []
    for draft in drafts:
        owners += [(f, draft.address, draft.node) for f in _FIELDS if draft.node.has(f)]
    # Most hold nothing like a key: then none of ten thousand is looked at by itself.
    said = [_long_texts(node.plain_at(field)) for field, _, node in owners]
    if not _may_hold_keys(chain.from_iterable(said)):
        return
    for (field, address, node), texts in zip(owners, said, strict=True):
        if _may_hold_keys(texts):
            _refuse(
                field, "" if address is None else str(address), node.find((field,))[0], problems
            )


def check_default(name: str, default: Node | None, problems: Problems) -> None:
    """Refuse a key that is a variable's default."""
    for node in _texts(default) if default is not None else ():
        what = _key_in(str(node.value))
        if what:
            problems.error(
                f"the default of variable `{name}` holds {what}",
                _masked(node.source),
                code="secret-in-file",
                hint="remove it, write `sensitive: true`, and give the value by "
                f"`TUNECTL_VAR_{name}`",
            )


def _refuse(field: str, address: str, owner: Node, problems: Problems) -> None:
    for node in _texts(owner):
        what = _key_in(str(node.value))
        if what:
            of = f" of `{address}`" if address else ""
            problems.error(
                f"`{field}`{of} holds {what}",
                _masked(node.source),
                code="secret-in-file",
                hint="remove it, and withdraw it where it was issued: it is sent to providers and "
                "kept in the state",
                address=address,
            )


def _long_texts(value: object) -> list[str]:
    """The texts inside a value that are long enough to be a key."""
    if isinstance(value, str):
        return [value] if len(value) >= _LEAST else []
    if isinstance(value, dict):
        value = list(value.values())
        if _TEXT.issuperset(map(type, value)):  # as most do
            return [text for text in value if len(text) >= _LEAST]
    return (
        [text for inner in value for text in _long_texts(inner)] if isinstance(value, list) else []
    )


def _may_hold_keys(texts: Iterable[str]) -> bool:
    from tunectl.data.sensitive.credentials import may_hold_secrets  # as below

    return may_hold_secrets(texts)


def _texts(node: Node) -> Iterator[Node]:
    """The texts inside that are long enough to be a key."""
    value = node.value
    if isinstance(value, str):
        if len(value) >= _LEAST:
            yield node
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _key_in(text: str) -> str:
    """What kind of key a text holds, empty for none."""
    from tunectl.data.sensitive.credentials import secrets  # patterns that few projects need

    return next((what for what, _ in secrets(text)), "")


def _masked(source: Source) -> Source:
    return replace(source, text=f"{source.text[: source.column - 1]}***")
