"""Machines of Google Cloud that are built with accelerators: which, and how many.

Vertex AI wants them named all the same, and refuses a machine of such a family without.
"""

from __future__ import annotations

import json
from functools import cache
from pkgutil import get_data
from typing import Any

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """The accelerators of a machine.

    Attributes:
        type: as Vertex AI names it: `NVIDIA_L4`.
        count: how many the machine has; None where only its family is known.
    """

    type: str
    count: int | None


def built_in(machine_type: str) -> BuiltIn | None:
    """Return the accelerators that a machine is built with; None where none are known of.

    >>> built_in("g2-standard-24")
    BuiltIn(type='NVIDIA_L4', count=2)
    >>> built_in("n1-standard-4") is None
    True
    """
    for one in _families():
        if machine_type.startswith(one["prefix"]):
            size = machine_type.removeprefix(one["prefix"])
            return BuiltIn(one["accelerator"], one["counts"].get(size))
    return None


@cache
def _families() -> tuple[dict[str, Any], ...]:
    text = get_data("tunectl.catalog", "machines.json") or b""
    return tuple(json.loads(text)["families"])
