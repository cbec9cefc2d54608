"""A template as other services write it: text with names in it, or why it cannot be that.

Laws: what is carried renders to what the template renders to. Names alone are put in; a condition,
a loop or a filter is not carried and not approximated. What is included is written out. Nothing in
the text may mean something at the service that it does not mean here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tunectl.config.expression import sandbox
from tunectl.core.dataclass import dataclass

if TYPE_CHECKING:
    from jinja2 import nodes

OPENING = "{{"
CLOSING = "}}"


@dataclass(frozen=True, slots=True)
class Carried:
    """Text with `{{name}}` in it, and the names, each once, in order."""

    text: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Uncarried:
    """What cannot be carried.

    Attributes:
        what: what stands there: `a condition`, `the filter upper`.
        hint: what to do.
    """

    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


_Piece = str | _Name


class _Logic(Exception):  # noqa: N818  # a verdict
    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(what)


def carried(
    template: str, partials: Mapping[str, str], *, wrap: str = "", forbidden: tuple[str, ...] = ()
) -> Carried | Uncarried:
    """Return a section's text as a service keeps it.

    Args:
        template: checked before: it compiles, and names only what there is.
        partials: the texts of the files that it includes.
        wrap: the tag around it.
        forbidden: what means something at the service, beside `{{`.
    """
    try:
        pieces = _joined(_pieces(template, partials))
    except _Logic as found:
        return Uncarried(
            f"{found.what}, and values are only put in by name there",
            "write the template with text, `{{ name }}` and `{% include %}` alone",
        )
    return _written(_stripped(pieces), wrap, forbidden)


def unsendable(text: str, forbidden: tuple[str, ...]) -> str:
    """Return what in a text would mean something at the service; empty when nothing."""
    return next((mark for mark in (OPENING, *forbidden) if mark in text), "")


def _written(pieces: list[_Piece], wrap: str, forbidden: tuple[str, ...]) -> Carried | Uncarried:
    if not pieces:
        return Carried("")
    if wrap:
        pieces = list(_joined(iter([f"<{wrap}>\n", *pieces, f"\n</{wrap}>"])))
    names: dict[str, None] = {}
    text = ""
    for at, piece in enumerate(pieces):
        if isinstance(piece, _Name):
            names[piece.name] = None
            text += f"{OPENING}{piece.name}{CLOSING}"
            continue
        mark = unsendable(piece, forbidden)
        if mark:
            return Uncarried(
                f"`{mark}` as text, and it means something else there", "write it another way"
            )
        if piece.endswith("{") and at + 1 < len(pieces):
            return Uncarried(
                "`{` right before a value, and it means something else there",
                "put a space between them",
            )
        text += piece
    return Carried(text, tuple(names))


def _joined(pieces: Iterator[_Piece]) -> list[_Piece]:
    """Neighbouring texts as one."""
    found: list[_Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found


def _stripped(pieces: list[_Piece]) -> list[_Piece]:
    """Without the white space around it, which is not sent either."""
    kept = list(pieces)
    if kept and isinstance(kept[0], str):
        kept[0] = kept[0].lstrip()
    if kept and isinstance(kept[-1], str):
        kept[-1] = kept[-1].rstrip()
    return [piece for piece in kept if piece]


def _pieces(template: str, partials: Mapping[str, str]) -> Iterator[_Piece]:
    tree = sandbox().parse(template)
    for node in tree.body:
        yield from _of(node, partials)


def _of(node: nodes.Node, partials: Mapping[str, str]) -> Iterator[_Piece]:
    from jinja2 import nodes

    if isinstance(node, nodes.Include) and isinstance(node.template, nodes.Const):
        text = partials.get(str(node.template.value))
        if text is None:
            raise _Logic("an include of a file that it does not have")
        # A file ends in a line break, which Jinja takes away.
        yield from _pieces(text.removesuffix("\n").removesuffix("\r"), partials)
    elif isinstance(node, nodes.Output):
        for part in node.nodes:
            if isinstance(part, nodes.TemplateData):
                yield part.data
            elif isinstance(part, nodes.Name):
                yield _Name(part.name)
            elif isinstance(part, nodes.Const) and isinstance(part.value, str):
                yield part.value
            else:
                raise _Logic(_called(part))
    else:
        raise _Logic(_called(node))


def _called(node: nodes.Node) -> str:
    """What a person calls it."""
    from jinja2 import nodes

    words: tuple[tuple[type, str | Callable[[nodes.Node], str]], ...] = (
        (nodes.If, "a condition (`{% if %}`)"),
        (nodes.CondExpr, "a condition (`… if … else …`)"),
        (nodes.For, "a loop (`{% for %}`)"),
        (nodes.Assign, "a variable of its own (`{% set %}`)"),
        (nodes.AssignBlock, "a variable of its own (`{% set %}`)"),
        (nodes.Macro, "a macro"),
        (nodes.Filter, lambda found: f"the filter `{getattr(found, 'name', '')}`"),
        (nodes.FilterBlock, "a filter"),
        (nodes.Call, "a call"),
    )
    for kind, said in words:
        if isinstance(node, kind):
            return said if isinstance(said, str) else said(node)
    return "an expression"
