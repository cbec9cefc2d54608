"""YAML text to nodes: the core schema of YAML 1.2, parsed by libyaml.

Where YAML 1.2 is silent or people expect more: a key twice is an error; `<<` merges maps, and a
key that is written wins over a merged one; keys are always text, as written; a custom tag, a
second document, an anchor that holds itself and aliases that explode are errors. Keys are in
Unicode's composed form (NFC), so that a name typed on any system is the same name.
"""

from __future__ import annotations

import re
from functools import partial

from tunectl.config.compacting import held
from tunectl.config.node import File, Node, Scalar
from tunectl.config.parse_cache import ParseCache
from tunectl.config.plain_lines import read
from tunectl.config.problems import Problems
from tunectl.config.written import Written

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?[0-9]{1,4000}")
_BASED = re.compile(r"0o[0-7]{1,4000}|0x[0-9a-fA-F]{1,4000}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INF = re.compile(r"([-+]?)\.(?:inf|Inf|INF)")
_NAN = frozenset({".nan", ".NaN", ".NAN"})
_FIRST = frozenset("-+.0123456789~nNtTfF")


def typed(text: str) -> Scalar:
    """Return the value of a plain scalar by YAML 1.2's core schema."""
    if not text or (text[0] in _FIRST):
        if text in _NULLS:
            return None
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        if _INT.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _FLOAT.fullmatch(text):
            return float(text)
        if found := _INF.fullmatch(text):
            return float(f"{found[1]}inf")
        if text in _NAN:
            return float("nan")
    return text


_HELD = partial(held, typed=typed)


def parse(file: File, problems: Problems, cache: ParseCache | None = None) -> Node | None:
    """Parse one file; None when it cannot be parsed or holds nothing.

    Args:
        file: its text.
        problems: takes what is wrong with it.
        cache: where parsed files are kept between runs.
    """
    if cache is not None and (kept := cache.get(file.text)) is not None:
        return Node.of(kept, file)
    found: Written | Node | None = read(file.text, _HELD)
    if found is None:
        # libyaml, and what it says, are imported only where something is not plain.
        from tunectl.config.composed import composed

        found = composed(file, problems)
    if not isinstance(found, Written):
        return found
    if cache is not None:
        cache.put(file.text, found)
    return Node.of(found, file)
