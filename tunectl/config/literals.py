"""Keys of accounts that stand in a declaration as they are: in labels, metadata and defaults.

All of these are sent to providers, written into the state and shown in plans.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from tunectl.config.drafts import Draft
from tunectl.config.node import Node
from tunectl.config.problems import Problems
from tunectl.core.errors import Source

_FIELDS = ("metadata", "labels")
_LEAST = 16  # characters; no key that is known by its pattern is shorter


def check_literals(top: Node, drafts: Iterable[Draft], problems: Problems) -> None:
    """Refuse a key in the labels of the project and the labels and metadata of resources."""
    node, there = top.find(("labels",))
    if there:
        _refuse("labels", "", node, problems)
    for draft in drafts:
        for field in _FIELDS:
            node, there = draft.node.find((field,))
            if there:
                _refuse(field, str(draft.address), node, problems)


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
