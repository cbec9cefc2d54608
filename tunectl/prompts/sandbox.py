"""The sandbox that templates run in: no way out, and an end that comes soon.

Laws. A template is read once and its output never again. Only values of built-in types are
printed, and `None`, lists and mappings are refused: what they print is Python's, not the author's.
In an escaping sandbox every printed value is escaped, and no filter marks a text as safe.

How work is bounded: by counting, not by a clock, so that the same template ends in the same way on
every machine and in every thread. Each turn of a loop, each call, filter and include is a step, and
every text that an operation makes or that is printed, the template's own included, is charged by
its length before the operation is done. A template that exceeds `STEPS` or `CHARACTERS` is refused.
Recursive loops do not compile. What is not counted is bounded by what is: comparisons and slices
make nothing longer than what there was.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template

STEPS = 100_000
CHARACTERS = 8_000_000
RANGE = 10_000
ITEMS = 100_000


class Refused(Exception):  # noqa: N818  # a verdict, not a fault
    """A template does what none may; the message says what, and holds no value."""


@dataclass(slots=True)
class _Allowance:
    """What one rendering may still do."""

    steps: int = STEPS
    characters: int = CHARACTERS

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Refused(f"takes more than {STEPS:,} steps; make its loops shorter")

    def charge(self, characters: int) -> None:
        self.characters -= characters
        if self.characters < 0:
            raise Refused(f"makes more than {CHARACTERS:,} characters of text")


_allowance: ContextVar[_Allowance] = ContextVar("allowance")


def rendered(template: Template, values: Mapping[str, Any]) -> str:
    """Render a template of this sandbox with inert values.

    Raises:
        Refused: it takes too long, makes too much, or prints what cannot be printed.
        jinja2.TemplateError: it uses what is not there.
    """
    token = _allowance.set(_Allowance())
    try:
        return template.render(values)
    finally:
        _allowance.reset(token)


@functools.lru_cache(maxsize=256)
def compiled(source: str, partials: tuple[tuple[str, str], ...], escaping: bool) -> Template:
    """Compile a template, once for all renderings and threads.

    Args:
        source: its text.
        partials: what it may include: name and text of each.
        escaping: whether `&`, `<` and `>` in values are escaped.

    Raises:
        Refused: it holds a loop that calls itself.
        jinja2.TemplateSyntaxError: it is no template; `lineno` says where.
    """
    return sandbox(partials, escaping).from_string(source)


@functools.lru_cache(maxsize=64)
def sandbox(partials: tuple[tuple[str, str], ...], escaping: bool) -> Environment:
    """Return the environment for templates that share their partials."""
    from tunectl.prompts.bounded import bounded_environment

    return bounded_environment(dict(partials), escaping=escaping)


def step() -> None:
    """Count one step of the rendering under way."""
    _allowance.get().step()


def charge(characters: int) -> None:
    """Count so many characters before they are made."""
    _allowance.get().charge(characters)
