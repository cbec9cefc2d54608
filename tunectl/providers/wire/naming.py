"""Names that are derived: suffixes of models, names of files, keys of owner marks."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tunectl.core.ports import Mark
from tunectl.core.value import Address
from tunectl.providers.latin import ascii_name

OP = "tunectl-op"
LINEAGE = "tunectl-lineage"
ADDRESS = "tunectl-address"
MARK_KEYS = ("tunectl", LINEAGE, "tunectl-project", "tunectl-env", ADDRESS, OP)

_LONGEST_VALUE = 512  # OpenAI's limit of a metadata value, API reference 2026-08
_LONGEST_FILE_NAME = 200
# OpenAI's file search tells the form of a document by these (guide `file-search`, 2026); whatever
# else is text is read in as such.
_FORMS = {"md": "md", "markdown": "md", "html": "html", "htm": "html", "json": "json", "tex": "tex"}
_OP_IN_NAME = re.compile(r"tunectl\.([0-9a-f]{16,64})\.")


def derived_suffix(project: str, address: Address, longest: int) -> str | None:
    """Return a suffix of a model's name that tells people whose it is, None when nothing is left.

    Args:
        project: the project's name.
        address: of the tuning job.
        longest: characters; 0 gives None.
    """
    parts = [ascii_name(part) for part in (project, *address.path, address.key or "")]
    text = "-".join(part for part in parts if part)
    return text[:longest].strip("-") or None


def file_name(mark: Mark, dataset: str, split: str, sha256: str) -> str:
    """Return the name of an uploaded file, which is all that can carry its mark.

    Args:
        mark: its owner.
        dataset: the dataset's address as text.
        split: the split's name.
        sha256: of its rows, hexadecimal.
    """
    safe = ascii_name(dataset.partition(".")[2] or dataset) or "data"
    name = f"tunectl.{mark.op}.{safe[:80]}.{(ascii_name(split) or 'rows')[:40]}.{sha256[:12]}"
    return f"{name[:_LONGEST_FILE_NAME]}.jsonl"


def is_document(upload: Address) -> bool:
    """Tell whether an upload is a document of a knowledge base: its address ends so."""
    return (upload.key or "").endswith("/document")


def document_name(mark: Mark, document: str, sha256: str) -> str:
    """Return the name of a document's file: its mark, and an end by which services know its form.

    Args:
        mark: its owner.
        document: its name: a path, or a URL.
        sha256: of its text, hexadecimal.
    """
    stem, dot, ending = document.rpartition("/")[2].rpartition(".")
    form = _FORMS.get(ending.lower(), "txt") if dot else "txt"
    safe = ascii_name(stem or ending) or "document"
    return f"tunectl.{mark.op}.{safe[:80]}.{sha256[:12]}.{form}"


def has_op(name: str, op: str) -> bool:
    """Tell whether a file name carries the mark of an operation."""
    return name.startswith(f"tunectl.{op}.")


def mark_metadata(mark: Mark) -> dict[str, str]:
    """Return an owner mark as metadata."""
    values = ("1", mark.lineage, mark.project, mark.env, str(mark.address), mark.op)
    return {key: text[:_LONGEST_VALUE] for key, text in zip(MARK_KEYS, values, strict=True)}


def op_in_name(name: str) -> str:
    """Return the operation that a file name carries, empty when it carries none."""
    found = _OP_IN_NAME.match(name)
    return found[1] if found else ""


def mark_of(metadata: object) -> Mark | None:
    """Return the owner mark in metadata that came back; None where it is not there as a whole."""
    if not isinstance(metadata, Mapping):
        return None
    tool, *values = (metadata.get(key) for key in MARK_KEYS)
    if tool is None or not all(isinstance(value, str) and value for value in values):
        return None
    lineage, project, env, address, op = map(str, values)
    try:
        return Mark(
            lineage=lineage, project=project, env=env, address=Address.parse(address), op=op
        )
    except ValueError:
        return None  # one that was cut to fit


def carries(metadata: object, key: str, value: str) -> bool:
    """Tell whether metadata that came back has this pair: a service may ignore a filter."""
    return isinstance(metadata, Mapping) and metadata.get(key) == value


def alias_name(mark: Mark) -> str:
    """Return the name of an alias: project, environment unless it is the default one, address."""
    env = () if mark.env == "default" else (mark.env,)
    key = () if mark.address.key is None else (mark.address.key,)
    return "-".join((mark.project, *env, *mark.address.path, *key))
