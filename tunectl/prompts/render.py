"""One section's template, rendered once, on its own, in a sandbox.

Law: values are inert. They are never parsed as a template nor for roles, and invisible control
characters in them are removed, except the joiners that some scripts need.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_JOINERS = "\u200c\u200d"  # zero-width (non-)joiner: spelling in Persian and Indic scripts, emoji
_LAYOUT = "\n\t"


@functools.cache
def _environment() -> Environment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=False, autoescape=False
    )
    for name in ("safe", "attr"):
        environment.filters.pop(name, None)
    return environment


@functools.lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    return _environment().from_string(template)


def render_section(template: str, values: Mapping[str, Any]) -> str:
    """Render one section.

    Raises:
        jinja2.TemplateError: the template is wrong, or uses a value it was not given.
    """
    return _compiled(template).render({k: cleaned(v) for k, v in values.items()}).strip()


def cleaned(value: Any) -> Any:  # noqa: ANN401  # any input value
    """Remove invisible control and format characters (Unicode Cc and Cf) from a text."""
    if not isinstance(value, str):
        return value
    return "".join(
        c
        for c in str(value)
        if c in _LAYOUT or c in _JOINERS or unicodedata.category(c) not in {"Cc", "Cf"}
    )
