"""`fmt`: one style for the files, in which comments survive and no value changes."""

from __future__ import annotations

import io
import re

from tunectl.config.node import File, plain
from tunectl.config.problems import Problems
from tunectl.config.source import parse
from tunectl.core.errors import ConfigError

_WIDE = 100_000
# A style that is not stable after so many passes is not a style; the text then stays as it is.
_PASSES = 4


def format_text(text: str, name: str = "tunectl.yaml") -> str:
    """Return a YAML text in the one style: two spaces, list items indented, no trailing blanks.

    Formatting again changes nothing, and the values are those of the original. A text for which
    that cannot be had is returned with its line ends and trailing blanks tidied only.

    Raises:
        ConfigError: the text is not YAML.
    """
    tidy = _tidy(text)
    before = _values(tidy, name)
    if before is None:
        return tidy
    last = tidy
    for _ in range(_PASSES):
        done = _pass(last)
        if done is None or _values(done, name) != before:
            return tidy
        if done == last:
            return done
        last = done
    return tidy


def _tidy(text: str) -> str:
    """Unify line ends and end the text with one; drop a byte order mark."""
    text = re.sub("\r\n?", "\n", text.removeprefix("\ufeff"))
    return text.rstrip("\n \t") + "\n" if text.strip() else ""


def _values(text: str, name: str) -> object:
    problems = Problems()
    node = parse(File(name, text), problems)
    if problems.failed:
        raise ConfigError(problems.all)
    return None if node is None else _comparable(plain(node))


def _comparable(value: object) -> object:
    """Order counts too, and 1 is neither true nor 1.0."""
    if isinstance(value, dict):
        return [(key, _comparable(item)) for key, item in value.items()]
    if isinstance(value, list):
        return ("list", [_comparable(item) for item in value])
    return (type(value).__name__, repr(value))


def _pass(text: str) -> str | None:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = _WIDE
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    try:
        tree = yaml.load(text)
        if tree is None:
            return text
        yaml.dump(tree, stream)
    except (YAMLError, ValueError, TypeError, AttributeError, KeyError, IndexError, AssertionError):
        # ruamel refuses or fails on what our parser reads: such a text keeps its own style.
        return None
    return _tidy("\n".join(_bare(line) for line in stream.getvalue().split("\n")))


def _bare(line: str) -> str:
    """Drop trailing blanks where they cannot be content: after a comment or on an empty line."""
    return line.rstrip(" \t") if not line.strip() or line.lstrip().startswith("#") else line
