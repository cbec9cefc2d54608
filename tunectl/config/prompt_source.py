"""The text of a prompt section: read, compiled, and its names compared with the inputs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from tunectl.config.expression import sandbox
from tunectl.config.node import File, Node
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.reading import read_text
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source

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
    """Read a template file; only files inside the project are read."""
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
    return File(name, text) if text is not None else None


def names_used(
    text: str, origin: Origin, inputs: Mapping[str, object], problems: Problems, subject: str
) -> frozenset[str]:
    """Compile a template and return the inputs it uses; what is wrong goes to the problems."""
    if not _MARKS.search(text):
        return frozenset()
    found = _analysed(text)
    if isinstance(found, _Wrong):
        problems.error(
            found.summary,
            origin.line(found.line),
            code="template",
            hint=found.hint,
            address=subject,
        )
        return frozenset(inputs)  # it may mean to use any of them
    for name, line in found.items():
        if name not in inputs:
            problems.error(
                f"the template uses `{name}`, which is no input",
                origin.line(line, name),
                code="unknown-input",
                hint=did_you_mean(
                    name,
                    inputs,
                    f"declare it: `inputs: {{{name}: string}}`"
                    + (f"; inputs are {listed(inputs)}" if inputs else ""),
                ),
                address=subject,
            )
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Wrong:
    summary: str
    line: int
    hint: str = ""


@lru_cache(maxsize=4096)
def _analysed(text: str) -> Mapping[str, int] | _Wrong:
    """Return the free names of a template with the line of each, or what is wrong with it."""
    if "{%" not in text and "{#" not in text and _SIMPLE.sub("", text).find("{{") < 0:
        return {m[1]: text.count("\n", 0, m.start()) + 1 for m in reversed(_simple(text))}
    from jinja2 import TemplateSyntaxError, meta, nodes

    environment = sandbox()
    try:
        tree = environment.parse(text)
        environment.compile(text)
    except TemplateSyntaxError as error:
        return _syntax(error.message or "", error.lineno, list(environment.filters))
    except RecursionError:
        return _Wrong("the template is nested too deeply", 1, "write it with fewer brackets")
    loads = (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)
    for node in tree.find_all(loads):
        return _Wrong(
            "a template cannot include another one",
            node.lineno,
            "make it a section of its own: sections are joined in order",
        )
    free = meta.find_undeclared_variables(tree) - set(environment.globals)
    lines: dict[str, int] = {}
    for name in tree.find_all(nodes.Name):
        if name.name in free:
            lines[name.name] = min(name.lineno, lines.get(name.name, name.lineno))
    return lines


def _simple(text: str) -> list[re.Match[str]]:
    return list(_SIMPLE.finditer(text))


def _syntax(message: str, line: int, filters: list[str]) -> _Wrong:
    unknown = re.match(r"No filter named '(.+?)'", message)
    if unknown:
        forbidden = unknown[1] in {"safe", "attr"}
        summary = (
            f"filter `{unknown[1]}` is not allowed"
            if forbidden
            else (f"there is no filter `{unknown[1]}`")
        )
        hint = "values are inserted as they are" if forbidden else did_you_mean(unknown[1], filters)
        return _Wrong(summary, line, hint)
    said = message.replace("'", "`").rstrip(".")
    return _Wrong(
        f"the template is broken: {said[:1].lower()}{said[1:]}",
        line,
        "it is a Jinja template: `{{ name }}` for values, `{% if name %}…{% endif %}` for logic",
    )
