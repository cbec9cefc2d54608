"""`${…}` inside text: found without Jinja, evaluated with it only when an expression needs it.

Evaluation comes after YAML was parsed, so a value can never change the structure of a file. A text
that is one expression keeps the expression's type; `$${` is a literal `${`.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from tunectl.config.expression import BadExpressionError, evaluate, looked_up
from tunectl.config.node import Node, Path, sort
from tunectl.config.problems import Problems
from tunectl.config.refs import References
from tunectl.config.scope import BROKEN, Broken, Scope
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import Join, Ref, Value, resolve
from tunectl.kinds import DERIVED, KINDS

MARK: Final = "${"
_SIMPLE = re.compile(r"\s*(\w+)((?:\.\w+)*)\s*")
_ROOT = re.compile(r"\s*(\w+)\s*[.\[]")
_STRINGS = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Expr:
    """One `${…}`: its inside and how many came before it in the text."""

    text: str
    index: int


class UnclosedError(ValueError):
    """A `${` without its `}`."""


@lru_cache(maxsize=8192)
def split(text: str) -> tuple[str | Expr, ...]:
    """Cut a text at its expressions.

    Raises:
        UnclosedError: a `${` is not closed.
    """
    parts: list[str | Expr] = []
    literal, at, count = "", 0, 0
    while (found := text.find("$", at)) >= 0:
        literal += text[at:found]
        if text.startswith("$${", found):
            literal, at = literal + MARK, found + 3
        elif text.startswith(MARK, found):
            end = _end(text, found + 2)
            if literal:
                parts.append(literal)
            literal = ""
            parts.append(Expr(text[found + 2 : end], count))
            count, at = count + 1, end + 1
        else:
            literal, at = literal + "$", found + 1
    literal += text[at:]
    return (*parts, literal) if literal or not parts else tuple(parts)


def _end(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "'\"":
            quoted = _STRINGS.match(text, at)
            if quoted is None:
                raise UnclosedError
            at = quoted.end()
            continue
        if char in "{[(":
            depth += 1
        elif char in "}])":
            if depth == 0 and char == "}":
                return at
            depth -= 1
        at += 1
    raise UnclosedError


class Evaluator:
    """Evaluates nodes; whatever is wrong goes to the problems."""

    def __init__(self, references: References, problems: Problems) -> None:
        self._references = references
        self._problems = problems

    def value(
        self, node: Node, scope: Scope, broken: set[Path], *, secrets: bool = False, path: Path = ()
    ) -> object:
        """Return the value of a node; paths that could not be evaluated are added to `broken`.

        Args:
            node: what to evaluate.
            scope: the names in reach.
            broken: takes the paths whose value is unusable.
            secrets: whether values from the environment and sensitive ones may appear.
            path: where the node stands in its resource.
        """
        if node.whole and not node.file.interpolates:
            return node.plain
        value = node.value
        if isinstance(value, str):
            if MARK not in value:
                return value
            done = self.text(value, node, scope, secrets=secrets)
            if isinstance(done, Broken):
                broken.add(path)
                return None
            return done
        if isinstance(value, dict):
            return {
                key: child.value
                if key in _LITERAL and isinstance(child.value, str)
                else self.value(child, scope, broken, secrets=secrets, path=(*path, key))
                for key, child in value.items()
            }
        if isinstance(value, list):
            return [
                self.value(child, scope, broken, secrets=secrets, path=(*path, index))
                for index, child in enumerate(value)
            ]
        return value

    def text(self, text: str, node: Node, scope: Scope, *, secrets: bool = False) -> object:
        """Return the value of one text, BROKEN when it has none."""
        try:
            parts = split(text)
        except UnclosedError:
            self._problems.error(
                "`${` is not closed",
                place(node, text, text.rfind(MARK), MARK),
                code="interpolation",
                hint="add `}`; a literal `${` is written `$${`",
            )
            return BROKEN
        done = [
            part if isinstance(part, str) else self._expr(part, node, scope, secrets=secrets)
            for part in parts
        ]
        if any(isinstance(part, Broken) for part in done):
            return BROKEN
        if len(done) == 1:
            return done[0]
        return self._joined(done, parts, node)

    def _joined(self, done: list[object], parts: tuple[str | Expr, ...], node: Node) -> object:
        values: list[Value] = []
        for part, was in zip(done, parts, strict=True):
            if part is None or isinstance(part, list | dict):
                what = sort(part)
                expr = was.text if isinstance(was, Expr) else ""
                self._problems.error(
                    f"`${{{expr}}}` is {what}, which cannot stand inside a text",
                    spot(node, was),
                    code="interpolation",
                )
                return BROKEN
            if isinstance(part, Ref):
                part = self._references.completed(part, spot(node, was))  # noqa: PLW2901
                if part is None:
                    return BROKEN
            values.append(part)  # type: ignore[arg-type]  # narrowed above
        if all(isinstance(value, str) for value in values):
            return "".join(map(str, values))
        return resolve(Join(tuple(values)), lambda ref: ref)

    def _expr(self, expr: Expr, node: Node, scope: Scope, *, secrets: bool) -> object:
        text = unicodedata.normalize("NFC", expr.text)  # as names are
        root = _ROOT.match(text)
        if root and (root[1] in KINDS or root[1] in DERIVED):
            return self._reference(text.strip(), scope, spot(node, expr))
        try:
            simple = _SIMPLE.fullmatch(text)
            if simple:
                return looked_up(simple[1], simple[2].split(".")[1:], scope, secrets=secrets)
            return evaluate(text, scope, secrets=secrets)
        except BadExpressionError as error:
            at = spot(node, expr)
            self._problems.error(error.summary, at, code=error.code, hint=error.hint)
            return BROKEN

    def _reference(self, text: str, scope: Scope, source: Source) -> object:
        if not self._references.looks_like_one(text):
            self._problems.error(
                f"`${{{text}}}` computes with another resource's output",
                source,
                code="reference-expression",
                hint="it is known only after apply: use it alone, `${kind.name.output}`",
            )
            return BROKEN
        return self._references.resolve(text, scope, source) or BROKEN


# Rendered with the application's values later, never interpolated by us.
_LITERAL = frozenset({"template", "query"})


def spot(node: Node, part: str | Expr) -> Source:
    """Return where an expression stands."""
    if isinstance(part, str) or not isinstance(node.value, str):
        return node.source
    at = -1
    for _ in range(part.index + 1):
        at = node.value.find(MARK, at + 1)
        while at > 0 and node.value[at - 1] == "$":
            at = node.value.find(MARK, at + 1)
    return place(node, node.value, at, f"${{{part.text}}}")


def place(node: Node, text: str, offset: int, what: str) -> Source:
    """Return where a piece of a text stands in its file, by looking for it from the value on."""
    lines = node.file.lines
    first = what.split("\n", 1)[0]
    before = text.count(first, 0, max(0, offset))
    for number in range(node.line, min(len(lines), node.line + text.count("\n") + 60) + 1):
        line, start = lines[number - 1], node.column - 1 if number == node.line else 0
        while (found := line.find(first, start)) >= 0:
            if before == 0:
                return node.file.at(number, found + 1, len(first))
            before, start = before - 1, found + 1
    return node.source
