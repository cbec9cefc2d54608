"""Documents of a knowledge base: those that are declared beside those that a service tells of.

A document's id at a service is the beginning of its content's hash and its name: a changed one is
another one, so what is to be put in and taken out is the difference of two sets of ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from tunectl.core.value import Plain

T = TypeVar("T")

_SHA = 16  # hexadecimal digits of a document's hash in its id
_ID = re.compile(r"([0-9a-f]{16})/(.+)", re.DOTALL)


class Place(Enum):
    """Where a document is on its way into an index and out of it."""

    COMING = "coming"
    THERE = "there"
    GOING = "going"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is declared.

    Attributes:
        path: its name in the project.
        sha256: of its content, hexadecimal.
        file: where it was uploaded to.
    """

    path: str
    sha256: str
    file: str = ""

    @property
    def id(self) -> str:
        """Its id at a service."""
        return f"{self.sha256[:_SHA]}/{self.path}"


@dataclass(frozen=True, slots=True)
class Indexed:
    """A document as a service tells of it.

    Attributes:
        name: what the service calls it; its id where nothing else is said.
        reason: why it failed.
    """

    id: str
    place: Place
    reason: str = ""
    name: str = ""

    @property
    def busy(self) -> bool:
        """Whether it is on its way."""
        return self.place in {Place.COMING, Place.GOING}

    @property
    def failed(self) -> bool:
        """Whether no question finds it."""
        return self.place is Place.FAILED

    @property
    def counts(self) -> bool:
        """Whether it is there, or will be."""
        return self.place in {Place.THERE, Place.COMING}

    @property
    def path(self) -> str:
        """Its name in the project; of what nobody declared its whole id."""
        found = _ID.fullmatch(self.id)
        return found[2] if found else self.id

    @property
    def sha(self) -> str:
        """The beginning of its content's hash; empty where it is none of ours."""
        found = _ID.fullmatch(self.id)
        return found[1] if found else ""


def declared(spec: Mapping[str, Plain]) -> dict[str, Document]:
    """Return the documents of settled settings by their ids."""
    hashes, files = spec.get("documents"), spec.get("files")
    if not isinstance(hashes, Mapping):
        return {}
    places = files if isinstance(files, Mapping) else {}
    found = (
        Document(path, str(sha256), str(places.get(path) or "")) for path, sha256 in hashes.items()
    )
    return {one.id: one for one in found}


def told(spec: Mapping[str, Plain], indexed: Iterable[Indexed]) -> dict[str, Plain]:
    """Return settings with the documents that are really there.

    A hash is known in full only for a document that was declared so. A superseded document that is
    still there beside its successor is told by its id.
    """
    known = declared(spec)
    there = {one.id: one for one in indexed if one.counts}
    hashes = {known[id_].path: known[id_].sha256 for id_ in there if id_ in known}
    for id_, one in there.items():
        if id_ not in known:
            hashes[one.path if one.path not in hashes else id_] = one.sha
    return {**spec, "documents": dict(sorted(hashes.items()))}


def complaints(indexed: Iterable[Indexed], most: int = 5) -> str:
    """Return what was not indexed and why, by the documents' names; empty where all was."""
    failed = sorted((one for one in indexed if one.failed), key=lambda one: one.path)
    lines = [f"`{one.path}`: {one.reason or 'no reason is given'}" for one in failed[:most]]
    if len(failed) > most:
        lines.append(f"and {len(failed) - most} more")
    return "; ".join(lines)


def batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Yield items in parts of so many at most."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
