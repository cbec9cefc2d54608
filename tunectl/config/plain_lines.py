"""The plain part of YAML, read line by line: most of what people write, at a fraction of the cost.

Law: what is returned is what libyaml would give, values and places alike; whatever is not plain
beyond doubt is left to libyaml, so nothing is ever said here of a mistake. Plain are maps, lists
and scalars of one line; `{...}` and `[...]` of one line; comments. Not: anchors, tags, merges,
escapes, texts of several lines, documents, tabs, quoted keys.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Callable
from typing import Any, TypeAlias

from tunectl.config.written import STRIDE, UnusualError, Written

Held: TypeAlias = Callable[[str], Any]
_Key: TypeAlias = tuple[int, int, int]
# A map or list of several lines that is not at its end: its indentation, what it holds so far,
# where its first number stands, and whether it is a list.
_Open: TypeAlias = tuple[int, Any, int, bool]

_NO_KEY: _Key = (0, 0, 0)
_NOWHERE: _Open = (-1, None, 0, False)

# Beyond these libyaml sees line breaks, marks of byte order, or nothing it accepts; of spaces that
# are none in YAML something may have to be said.
_ODD_ASCII = re.compile("[^\n -~]")
_ODD = r"[^\n -~\u00a1-\u1fff\u2010-\u2027\u2030-\u205e\u2070-\u2fff\u3001-\ud7ff]"
_DEEPEST = 50
_QUOTES = frozenset("\"'")
_NAME = r"[^\W\d][\w.-]{0,99}"
_INNER = r"\w./$+~@%=*()!&<>;^|\-"  # of a plain scalar wherever it stands
_FIRST = r"(?:[\w./$+~(]|-(?=[\w.]))"
_QUOTED = r"\"[^\"\\]*\"|'[^']*'"
_FLOW_PLAIN = rf"{_FIRST}[{_INNER}]*(?: +[{_INNER}]+)*"
_BLOCK_PLAIN = (
    rf"{_FIRST}[{_INNER}{{}}\[\],'\"?]*"
    rf"(?:(?: +|:)[{_INNER}{{}}\[\],'\"?]+)*"
)
_LINE = (
    rf"(?P<indent> *)(?:(?P<dash>- +)?(?:(?P<key>{_NAME}):(?:(?P<gap> +)|(?=$)))?"
    rf"(?P<value>{_QUOTED}|(?P<flow>[{{\[].*[}}\]])|{_BLOCK_PLAIN})?)?"
    r"(?: *(?:^|(?<= ))#.*)? *"
)
_TOKEN = re.compile(
    rf" *(?:(?P<key>{_NAME}): +|(?P<plain>{_FLOW_PLAIN})|(?P<quoted>{_QUOTED})"
    r"|(?P<sign>[{}\[\],]))"
)
_PAIR = re.compile(
    rf" *([A-Za-z_][\w.-]{{0,99}}+): +({_FLOW_PLAIN}|({_QUOTED})) *([,}}])", re.ASCII
)


def read(text: str, held: Held) -> Written | None:
    """Return the compact form of a file; None where libyaml has to read it.

    Args:
        text: of the file.
        held: the value of a plain scalar; raises `UnusualError` where something is to be said of
            it, or where JSON does not hold it.
    """
    odd = _ODD_ASCII if text.isascii() else re.compile(_ODD)  # which takes its time to compile
    if odd.search(text) is not None:
        return None
    try:
        return _Lines(held).whole(text)
    except UnusualError:
        return None


class _Values(dict[str, Any]):
    """What plain scalars mean, each asked once: most stand in many lines."""

    def __init__(self, held: Held) -> None:
        super().__init__()
        self._held = held

    def __missing__(self, said: str) -> Any:  # noqa: ANN401  # a scalar
        value = self[said] = self._held(said)
        return value


class _Lines:
    def __init__(self, held: Held) -> None:
        self._values = _Values(held)
        self._marks: list[int] = []
        self._open: list[_Open] = []
        self._waiting: tuple[str, _Key] | None = None  # a key of the innermost map with no value

    def whole(self, text: str) -> Written:
        """Return the compact form.

        Raises:
            UnusualError: libyaml has to read it.
        """
        normal, stack, ascii_only = unicodedata.is_normalized, self._open, text.isascii()
        # Of ASCII alone each character is looked up in a row of bits, not by its category.
        match = re.compile(_LINE, re.ASCII if ascii_only else 0).fullmatch
        for number, line in enumerate(text.split("\n"), 1):
            found = match(line)
            if found is None:
                raise UnusualError
            indent, dash, key, gap, value, flow = found.groups()
            if key is None and value is None:
                if dash is not None:
                    raise UnusualError
                continue  # nothing, or a comment
            if not (ascii_only or key is None or key.isascii() or normal("NFC", key)):
                raise UnusualError
            column = len(indent)
            at, holds, _, is_list = stack[-1] if stack else _NOWHERE
            # Else it is one more entry of the map of the line before.
            if at != column or is_list or dash is not None or self._waiting is not None:
                holds = self._place(number, column, dash, key)
            if dash is not None:
                column += len(dash)
                if key is None:
                    assert value is not None, "a line without key and value was passed over"
                    holds.append(self._value(value, flow, number, column, _NO_KEY))
                    continue
                made: dict[str, Any] = {}
                holds.append(made)
                holds = self._begin(column, made, number, _NO_KEY)
            if key is None or key in holds:
                raise UnusualError
            if value is None or gap is None:
                self._waiting = (key, (number, column + 1, len(key)))
                continue
            long = len(key)
            holds[key] = self._value(
                value, flow, number, column + long + len(gap) + 1, (number, column + 1, long)
            )
        self._end(-1)
        if not self._marks:
            raise UnusualError
        return Written(self._root, array("I", self._marks))

    def _place(self, number: int, column: int, dash: str | None, key: str | None) -> Any:  # noqa: ANN401
        """Return the map or list in which a line stands; it may begin there."""
        wanted = dash is not None
        if not self._open:
            if column or wanted or key is None:
                raise UnusualError
            self._root: dict[str, Any] = {}
            return self._begin(0, self._root, number, _NO_KEY)
        at, inside, _, is_list = self._open[-1]
        if self._waiting is not None:
            name, place = self._waiting
            if column > at or (wanted and column == at):
                if key is None and not wanted:
                    raise UnusualError
                self._waiting = None
                made: Any = [] if wanted else {}
                inside[name] = made
                return self._begin(column, made, number, place)
        if column != at or is_list is not wanted:
            self._end(column, list_too=not wanted)
            at, inside, _, is_list = self._open[-1] if self._open else _NOWHERE
            if at != column or is_list is not wanted:
                raise UnusualError
        elif self._waiting is not None:
            self._nothing()
        return inside

    def _begin(self, indent: int, holds: Any, number: int, key: _Key) -> Any:  # noqa: ANN401
        if len(self._open) > _DEEPEST:
            raise UnusualError
        self._open.append((indent, holds, len(self._marks), holds.__class__ is list))
        self._marks += (0, number, indent + 1, 1, *key, 0)
        return holds

    def _end(self, indent: int, *, list_too: bool = True) -> None:
        """End what stands further in; a list at the very indentation of its key may end too."""
        if self._waiting is not None:
            self._nothing()
        marks, stack = self._marks, self._open
        while stack:
            at, _, first, is_list = stack[-1]
            if at < indent or (at == indent and not (list_too and is_list)):
                return
            stack.pop()
            marks[first] = (len(marks) - first) // STRIDE

    def _nothing(self) -> None:
        """The key that waits has no value: it is null, and stands after the colon."""
        assert self._waiting is not None, "no key waits"
        (name, (number, column, long)), self._waiting = self._waiting, None
        self._open[-1][1][name] = None
        self._marks += (1, number, column + long + 1, 0, number, column, long, 1)

    def _value(self, value: str, flow: str | None, number: int, column: int, key: _Key) -> Any:  # noqa: ANN401
        if flow is not None:
            return self._flow(flow, number, column, key)
        if value[0] in _QUOTES:
            self._marks += (1, number, column + 1, len(value), *key, 0)
            return value[1:-1]
        self._marks += (1, number, column + 1, len(value), *key, 1)
        return self._values[value]

    def _flow(self, text: str, number: int, column: int, key: _Key) -> Any:  # noqa: ANN401
        """Return the value of `{...}` or `[...]`; its numbers follow those before.

        Raises:
            UnusualError: libyaml has to read it.
        """
        if text[0] == "{":
            found = _flat(self._values, self._marks, text, number, column + 1, key)
            if found is not None:
                return found
        return _Flow(self._values, self._marks, text, number, column).whole(key)


def _flat(  # the parts of one line
    values: _Values, marks: list[int], text: str, number: int, column: int, key: _Key
) -> dict[str, Any] | None:
    """Return a `{...}` of scalars, as most are; None where it is none, and nothing is added."""
    mine = [0, number, column, 1, *key, 0]
    made: dict[str, Any] = {}
    match, at, end = _PAIR.match, 1, ""
    while end != "}":
        found = match(text, at)
        if found is None:
            return None
        name, said, quoted, end = found.groups()
        if name in made:
            return None
        (_, at), (place, _), (start, _), _, _ = found.regs
        made[name] = values[said] if quoted is None else said[1:-1]
        raw = 1 if quoted is None else 0
        mine += (1, number, column + start, len(said), number, column + place, len(name), raw)
    if at != len(text):
        return None
    mine[0] = len(mine) // STRIDE
    marks += mine
    return made


class _Flow:
    """`{...}` or `[...]` of one line."""

    def __init__(
        self, values: _Values, marks: list[int], text: str, number: int, column: int
    ) -> None:
        self._values = values
        self._marks = marks
        self._text = text
        self._number = number
        self._column = column  # of the first character
        self._at = 0

    def whole(self, key: _Key) -> Any:  # noqa: ANN401
        """Return its value; its numbers follow those before.

        Raises:
            UnusualError: libyaml has to read it.
        """
        found = self._value(key, 0)
        if self._at != len(self._text):
            raise UnusualError
        return found

    def _next(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise UnusualError
        self._at = found.end()
        return found

    def _value(self, key: _Key, depth: int, found: re.Match[str] | None = None) -> Any:  # noqa: ANN401
        found = found or self._next()
        kind, marks = found.lastgroup, self._marks
        assert kind is not None, "every token has a name"
        start, end = found.span(kind)
        column = self._column + start + 1
        if kind == "plain":
            marks += (1, self._number, column, end - start, *key, 1)
            return self._values[self._text[start:end]]
        if kind == "quoted":
            marks += (1, self._number, column, end - start, *key, 0)
            return self._text[start + 1 : end - 1]
        sign = self._text[start]
        if kind == "key" or sign not in "{[" or depth > _DEEPEST:
            raise UnusualError
        at = len(marks)
        marks += (0, self._number, column, 1, *key, 0)
        value = self._map(depth) if sign == "{" else self._list(depth)
        marks[at] = (len(marks) - at) // STRIDE
        return value

    def _map(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        found = self._next()
        if found["sign"] == "}":
            return made
        while True:
            name = found["key"]
            if name is None or name in made or not name.isascii():
                raise UnusualError
            start = found.start("key")
            key = (self._number, self._column + start + 1, len(name))
            made[name] = self._value(key, depth + 1)
            sign = self._next()["sign"]
            if sign == "}":
                return made
            if sign != ",":
                raise UnusualError
            found = self._next()

    def _list(self, depth: int) -> list[Any]:
        made: list[Any] = []
        found = self._next()
        if found["sign"] == "]":
            return made
        while True:
            made.append(self._value(_NO_KEY, depth + 1, found))
            sign = self._next()["sign"]
            if sign == "]":
                return made
            if sign != ",":
                raise UnusualError
            found = self._next()
