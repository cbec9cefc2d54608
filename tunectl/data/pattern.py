"""Regular expressions that are compiled when they are first used.

The rules for rows have a hundred of them, and most datasets need a few: their needles already tell
that a rule is not broken. Compiling all takes as long as importing everything else of this room
(2026-11: 25 ms of 50).
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def regex(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` returns, compiled by the first look at any of its attributes.

    An expression that is wrong is told of only then: the tests use every one.
    """
    return cast("re.Pattern[AnyStr]", _Uncompiled(text, flags))


def _compiled(text: Any, flags: int) -> re.Pattern[Any]:  # noqa: ANN401  # text or bytes
    return re.compile(text, flags)


class _Uncompiled:
    def __init__(self, text: str | bytes, flags: int) -> None:
        self._said = (text, flags)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever a pattern has
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(_compiled(*self._said), name)
        self.__dict__[name] = found  # asked only once: from here on it is an attribute as any other
        return found
