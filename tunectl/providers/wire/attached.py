"""The files of a vector store and its settings, as the wire writes them and as we do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tunectl.core.value import Plain

_DAY = 86_400  # seconds
# openai 3.54.0, `StaticFileChunkingStrategyParam`: both are required, and these are its defaults.
_SIZE, _OVERLAP = 800, 400
_ENDED = frozenset({"failed", "cancelled"})
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Attached:
    """One file in a vector store.

    Attributes:
        file: its id.
        document: the document that it is; its own id where nobody says.
        sha256: of the document's text; `unknown` where nobody says.
        status: `in_progress`, `completed`, `failed` or `cancelled`.
        reason: why it failed, in the service's words.
    """

    file: str
    document: str
    sha256: str
    status: str
    reason: str = ""

    @property
    def failed(self) -> bool:
        """Whether it cannot be found by any search."""
        return self.status in _ENDED

    @property
    def running(self) -> bool:
        """Whether it is still read in."""
        return self.status == "in_progress"

    @property
    def done(self) -> bool:
        """Whether it can be found."""
        return not self.failed and not self.running


def attached(files: Iterable[Mapping[str, Any]], spec: Mapping[str, Plain]) -> list[Attached]:
    """Return the files of a list; which document each is, its attributes tell, else the record."""
    names, hashes = _recorded(spec)
    found = []
    for one in files:
        id_ = str(one["id"])
        said = one.get("attributes")
        said = said if isinstance(said, Mapping) else {}
        name, sha256 = said.get("document"), said.get("sha256")
        if not isinstance(name, str) or not isinstance(sha256, str):
            name = names.get(id_, id_)
            sha256 = hashes.get(name, UNKNOWN)
        error = one.get("last_error")
        error = error if isinstance(error, Mapping) else {}
        reason = ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))
        status = str(one.get("status") or "completed")
        found.append(Attached(id_, name, sha256, status, reason or status))
    return found


def documents_of(files: Iterable[Attached], spec: Mapping[str, Plain]) -> dict[str, Plain]:
    """Return the hash of each document that can be found.

    Where two files say that they are the same document, the recorded one is it; the other, left by
    a change that broke off, counts as a document that nobody declared.
    """
    names, _ = _recorded(spec)
    found: dict[str, Plain] = {}
    for one in sorted(files, key=lambda one: (one.file not in names, one.document, one.file)):
        found[one.file if one.document in found else one.document] = one.sha256
    return dict(sorted(found.items()))


def _recorded(spec: Mapping[str, Plain]) -> tuple[dict[str, str], dict[str, str]]:
    files, documents = spec.get("files"), spec.get("documents")
    files = files if isinstance(files, Mapping) else {}
    documents = documents if isinstance(documents, Mapping) else {}
    return {str(v): str(k) for k, v in files.items()}, {
        str(k): str(v) for k, v in documents.items()
    }


def settings(spec: Mapping[str, Plain], name: str = "") -> dict[str, Any]:
    """Return what is said when one is made, in the words of the wire.

    Without a name, what is said when files are attached.
    """
    if not name:
        return {"chunking_strategy": cut} if (cut := _cut(spec)) else {}
    said: dict[str, Any] = {"name": name}
    if spec.get("description"):
        said["description"] = spec["description"]
    if (ends := expiry(spec)) is not None:
        said["expires_after"] = ends
    return said


def _cut(spec: Mapping[str, Plain]) -> dict[str, Any] | None:
    chunking = spec.get("chunking")
    if not isinstance(chunking, Mapping):
        return None
    size, overlap = chunking.get("size"), chunking.get("overlap")
    assert not isinstance(size, float | tuple | Mapping)
    assert not isinstance(overlap, float | tuple | Mapping)
    whole = _SIZE if size is None else int(size)
    repeated = min(_OVERLAP, whole // 2) if overlap is None else int(overlap)
    static = {"max_chunk_size_tokens": whole, "chunk_overlap_tokens": repeated}
    return {"type": "static", "static": static}


def expiry(spec: Mapping[str, Plain]) -> Any:  # noqa: ANN401  # a typed map of the SDK, or None
    """Return `expires_after` of the wire; None for never."""
    after = spec.get("expires_when_idle")
    if not isinstance(after, int):
        return None
    return {"anchor": "last_active_at", "days": after // _DAY}


def idle(store: Mapping[str, Any]) -> int | None:
    """Return after how many seconds without a search a vector store ends; None for never."""
    after = store.get("expires_after")
    days = after.get("days") if isinstance(after, Mapping) else None
    return int(days) * _DAY if isinstance(days, int) else None
