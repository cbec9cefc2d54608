"""Owner marks as labels, and what labels have no room for as a description.

Labels take lower-case letters, digits, `_` and `-`, 63 characters at most and none but a letter at
the beginning of a key (Google Cloud, "Labels overview", 2026-09). A job's labels are handed on to
the model and the endpoints that it makes; its description is not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

from tunectl.core.ports import Mark
from tunectl.core.value import Address
from tunectl.providers.latin import ascii_name

TOOL = "tunectl"
OP = "tunectl-op"
LINEAGE = "tunectl-lineage"
KIND = "tunectl-kind"
OWNER = "tunectl-owner"
OURS = frozenset({TOOL, OP, LINEAGE, KIND, OWNER})
MOST_LABELS = 64

_WORD = re.compile(r"tunectl (\{.*\})")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_NAME = 110  # of the 128 characters of a display name


def labels_of(mark: Mark, own: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of an object.

    Args:
        mark: whose it is.
        own: the user's labels; those that Google does not take are left out, `unfit` names them.
    """
    fit = {key: value for key, value in own.items() if fits(key, value)}
    return fit | {
        TOOL: "1",
        OP: mark.op,
        LINEAGE: mark.lineage.lower(),
        KIND: mark.address.kind,
        OWNER: hashlib.sha256(_owner(mark).encode()).hexdigest()[:32],
    }


def fits(key: str, value: str) -> bool:
    """Tell whether a label can be kept there."""
    return key not in OURS and bool(_KEY.fullmatch(key) and _VALUE.fullmatch(value))


def unfit(own: Mapping[str, str]) -> Iterable[str]:
    """Yield the keys of labels that cannot be kept there."""
    return (key for key, value in own.items() if not fits(key, value))


def description_of(mark: Mark) -> str:
    """Return an owner mark in words that a person can read and `mark_of` can too."""
    return f"tunectl {_owner(mark)}"


def _owner(mark: Mark) -> str:
    said = {"project": mark.project, "env": mark.env, "address": str(mark.address)}
    return json.dumps(said, ensure_ascii=False)


def mark_of(labels: Mapping[str, str], description: str) -> Mark | None:
    """Return the owner mark of an object; None where it is not there as a whole."""
    found = _WORD.search(description)
    op, lineage = labels.get(OP, ""), labels.get(LINEAGE, "")
    if labels.get(TOOL) != "1" or not op or not lineage or found is None:
        return None
    try:
        said = json.loads(found[1])
        return Mark(
            lineage=lineage,
            project=str(said["project"]),
            env=str(said["env"]),
            address=Address.parse(str(said["address"])),
            op=op,
        )
    except (ValueError, KeyError, TypeError):
        return None


def display_name(mark: Mark, suffix: str | None) -> str:
    """Return the name that people see in the console; it ends in eight characters of the mark."""
    key = () if mark.address.key is None else (mark.address.key,)
    said = suffix or "-".join((mark.project, *mark.address.path, *key))
    return f"{ascii_name(said)[:_NAME].strip('-') or 'model'}-{mark.op[:8]}"
