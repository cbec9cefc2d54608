"""The text of a prompt section: where it stands, how it is read, and what is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tunectl.config.expression import sandbox
from tunectl.config.node import File, Node
from tunectl.config.problems import did_you_mean
from tunectl.config.reading import read_text
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source

if TYPE_CHECKING:
    from jinja2 import nodes

# Filters that mark a text as safe, reach attributes by text, are not repeatable, print markup or
# Python, or make more text than can be bounded. What renders prompts has not got them either.
FORBIDDEN = frozenset(
    {
        "safe",
        "attr",
        "forceescape",
        "random",
        "pprint",
        "xmlattr",
        "urlize",
        "format",
        "filesizeformat",
    }
)

LARGEST = 256 * 1024
"""Bytes of a template file: its text is kept in the state, each version anew."""

_UNSAFE = frozenset({"safe", "attr", "forceescape"})
_MARKS = re.compile(r"\{[{%#]")
_SIMPLE = re.compile(r"\{\{\s*([^\W\d]\w*)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a template's text stands: in a file of its own, or in the YAML."""

    file: File | None
    node: Node

    def line(self, number: int, name: str = "") -> Source:
        """Return the place of a line of the template, and of a word in it."""
        if self.file is not None:
            file, first = self.file, number
        else:
            file = self.node.file
            block = file.lines[self.node.line - 1][self.node.column - 1 :][:1] in {"|", ">"}
            first = self.node.line + number - (0 if block else 1)
            if number == 1 and not block:
                return self._word(file, first, name) if name else self.node.source
        return self._word(file, min(first, len(file.lines)), name)

    @staticmethod
    def _word(file: File, line: int, name: str) -> Source:
        text = file.lines[line - 1]
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) if name else None
        return file.at(line, found.start() + 1, len(name)) if found else file.at(line, 1)


def load_template(world: World, name: str, at: Source) -> File | None:
    """Read a template file; only files inside the project are read, and no larger ones."""
    root, problems = world.root, world.problems
    path = root / name
    world.looked.stands(path)
    inside = path.resolve().is_relative_to(root.resolve())
    if Path(name).is_absolute() or not inside:
        problems.error(
            f"`{name}` lies outside the project",
            at,
            code="outside-project",
            hint="copy it into the project's folder",
        )
        return None
    text = read_text(path, name, problems, at, world.looked)
    if text is not None and (size := len(text.encode())) > LARGEST:
        problems.error(
            f"`{name}` has {size / 1024:,.0f} KB of text; a template may have {LARGEST // 1024}",
            at,
            code="too-large",
            hint="what is long and looked up belongs into a `knowledge_base`",
        )
        return None
    return File(name, text) if text is not None else None


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a template, and in which of its lines."""

    summary: str
    line: int
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What stands in a template.

    Attributes:
        names: the free names it uses, each with its first line.
        fields: what it takes of `profile`, each with its first line.
        includes: the files it includes, each with its first line.
    """

    names: Mapping[str, int]
    fields: Mapping[str, int]
    includes: Mapping[str, int]


_EMPTY = Content({}, {}, {})


@lru_cache(maxsize=4096)
def analysed(text: str) -> Content | Wrong:
    """Compile a template and return what is in it, or what is wrong with it."""
    if not _MARKS.search(text):
        return _EMPTY
    if "{%" not in text and "{#" not in text and _SIMPLE.sub("", text).find("{{") < 0:
        found = reversed(list(_SIMPLE.finditer(text)))
        return Content({m[1]: text.count("\n", 0, m.start()) + 1 for m in found}, {}, {})
    from jinja2 import TemplateSyntaxError, meta

    environment = sandbox()
    try:
        tree = environment.parse(text)
        for wrong in _refused(tree):
            return wrong
        environment.compile(text)
    except TemplateSyntaxError as error:
        return _syntax(error.message or "", error.lineno, sorted({*environment.filters}))
    except RecursionError:
        return Wrong("the template is nested too deeply", 1, "write it with fewer brackets")
    free = meta.find_undeclared_variables(tree) - set(environment.globals)
    return Content(_names(tree, free), dict(_fields(tree)), dict(_includes(tree)))


def _refused(tree: nodes.Template) -> Iterator[Wrong]:
    from jinja2 import nodes

    for used in tree.find_all(nodes.Filter):
        if used.name in FORBIDDEN:
            yield Wrong(
                f"filter `{used.name}` is not allowed",
                used.lineno,
                "values are inserted as they are"
                if used.name in _UNSAFE
                else "what it makes is not the same each time, or not bounded",
            )
    for loop in tree.find_all(nodes.For):
        if loop.recursive:
            yield Wrong("a loop calls itself", loop.lineno, "remove `recursive`")
    for node in tree.find_all((nodes.Import, nodes.FromImport, nodes.Extends)):
        yield Wrong(
            "a template cannot import or extend another one",
            node.lineno,
            'include it: `{% include "prompts/part.md.j2" %}`',
        )
    for include in tree.find_all(nodes.Include):
        name = include.template
        if not isinstance(name, nodes.Const) or not isinstance(name.value, str):
            yield Wrong(
                "an included file must be named in quotes",
                include.lineno,
                'such as `{% include "prompts/part.md.j2" %}`',
            )


def _includes(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    from jinja2 import nodes

    found = [(n.template.as_const(), n.lineno) for n in tree.find_all(nodes.Include)]
    yield from reversed(found)


def _names(tree: nodes.Template, free: set[str]) -> Mapping[str, int]:
    from jinja2 import nodes

    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in free:
            lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    return lines


_METHODS = frozenset({"items", "keys", "values", "get"})


def _fields(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    """What is taken of `profile`: `profile.name`, `profile["name"]`; methods are none."""
    from jinja2 import nodes

    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    found: list[tuple[str, int]] = []
    for taken in tree.find_all(nodes.Getattr):
        method = taken.attr in _METHODS and id(taken) in called
        if _is_profile(taken.node) and not method:
            found.append((taken.attr, taken.lineno))
    found += [
        (str(item.arg.value), item.lineno)
        for item in tree.find_all(nodes.Getitem)
        if _is_profile(item.node) and isinstance(item.arg, nodes.Const)
    ]
    yield from sorted(found, key=lambda pair: -pair[1])  # of several places the first one counts


def _is_profile(node: nodes.Node) -> bool:
    return getattr(node, "name", "") == "profile"


def _syntax(message: str, line: int, filters: list[str]) -> Wrong:
    unknown = re.match(r"No filter named '(.+?)'", message)
    if unknown:
        known = [name for name in filters if name not in FORBIDDEN]
        hint = did_you_mean(unknown[1], known)
        return Wrong(f"there is no filter `{unknown[1]}`", line, hint)
    said = message.replace("'", "`").rstrip(".")
    return Wrong(
        f"the template is broken: {said[:1].lower()}{said[1:]}",
        line,
        "it is a Jinja template: `{{ name }}` for values, `{% if name %}…{% endif %}` for logic",
    )
