"""Many objects and logs in one JSON document: for stores that hold one document at an address.

The document has a top-level `serial` that rises by one with every write (GitLab keeps a version for
each and refuses one it has), a `lineage` that never changes, the token of the write that made it,
and a checksum. It is no Terraform state: Terraform refuses it for want of a `version`.

Law: what cannot be understood completely is refused by name and is never read as "nothing there".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Blob
from tunectl.stores.generations import KEPT

FORMAT = 1

_HISTORY = "history/"
_CHECK = "check the `state:` address; nothing was written"
_RESTORE = "restore an earlier version where the service keeps them; nothing was written"


@dataclass(frozen=True, slots=True)
class Document:
    """What is at the address.

    Attributes:
        serial: 0 for a document that was never written.
        lineage: a UUID, minted with the first write.
        token: of the write that made it; tells our own write from another's.
        files: by name, with their generations.
    """

    serial: int = 0
    lineage: str = ""
    token: str = ""
    files: Mapping[str, Blob] = field(default_factory=dict)

    def written(self, name: str, content: bytes, *, expected: str | None, generation: str) -> Files:
        """Return the files with one written, what it replaces kept in the history.

        Raises:
            StaleError: its generation is not `expected` (None: it must not exist).
        """
        before = self.files.get(name)
        if (before.generation if before else None) != expected:
            raise StaleError.of(
                f"state `{name}` was changed by someone else meanwhile",
                hint="run `tunectl plan` again",
            )
        files = {**self.files, name: Blob(content, generation)}
        if before is not None:
            _keep(files, name, before)
        return files

    def appended(self, name: str, batch: bytes, *, generation: str) -> Files:
        """Return the files with lines added to a log."""
        before = self.files.get(name)
        content = (before.content if before else b"") + batch
        return {**self.files, name: Blob(content, generation)}

    def without(self, name: str) -> Files:
        """Return the files without one."""
        return {each: blob for each, blob in self.files.items() if each != name}

    def next(self, files: Mapping[str, Blob], token: str) -> Document:
        """Return the document that follows this one."""
        lineage = self.lineage or str(uuid.uuid4())
        return replace(self, serial=self.serial + 1, lineage=lineage, token=token, files=files)


Files = dict[str, Blob]


def _keep(files: Files, name: str, before: Blob) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    files[f"{_HISTORY}{name}.{stamp}.{before.generation[:8]}"] = before
    stem = f"{_HISTORY}{name}."
    for old in sorted(each for each in files if each.startswith(stem))[:-KEPT]:
        del files[old]


def encode(document: Document) -> bytes:
    """Return the bytes of a document: UTF-8 JSON, its serial first."""
    body = {
        "serial": document.serial,
        "tunectl": FORMAT,
        "lineage": document.lineage,
        "token": document.token,
        "files": {n: _tree(n, blob) for n, blob in sorted(document.files.items())},
    }
    return orjson.dumps({**body, "checksum": _checksum(body)})


def decode(content: bytes, place: str) -> Document:
    """Read a document.

    Args:
        content: the bytes as answered.
        place: what the user calls the address, for messages.

    Raises:
        StateError: it is empty, truncated, foreign, altered or from a newer version.
    """
    if not content.strip():
        hint = f"a server that has no state yet answers 404 or 204; {_RESTORE}"
        raise _refusal(f"what is at `{place}` is empty", "state-empty", hint)
    tree = _parsed(content, place)
    if "tunectl" not in tree:
        what = "a Terraform state" if "terraform_version" in tree else "not a tunectl document"
        raise _refusal(f"what is at `{place}` is {what}", "state-foreign", _CHECK)
    if type(tree["tunectl"]) is not int or tree["tunectl"] > FORMAT:
        said = f"what is at `{place}` has format {tree['tunectl']}; this version reads up to"
        hint = "it was written by a newer tunectl: upgrade this one"
        raise _refusal(f"{said} {FORMAT}", "state-newer", hint)
    stated = tree.pop("checksum", None)
    if stated != _checksum(tree):
        said = f"what is at `{place}` was altered outside tunectl: its checksum does not match"
        raise _refusal(said, "state-tampered", _RESTORE)
    try:
        files = {str(name): _blob(each) for name, each in tree["files"].items()}
        return Document(int(tree["serial"]), str(tree["lineage"]), str(tree["token"]), files)
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, zlib.error) as error:
        said = f"what is at `{place}` cannot be understood: {error}"
        raise _refusal(said, "state-malformed", _RESTORE) from error


def _parsed(content: bytes, place: str) -> dict[str, Any]:
    try:
        tree = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        if content.lstrip().startswith(b"<"):
            said = f"what is at `{place}` is a web page, not a state"
            raise _refusal(said, "state-foreign", _CHECK) from error
        said = f"what is at `{place}` is truncated or damaged"
        raise _refusal(said, "state-damaged", _RESTORE) from error
    if not isinstance(tree, dict):
        raise _refusal(f"what is at `{place}` is not a tunectl document", "state-foreign", _CHECK)
    return tree


def _refusal(summary: str, code: str, hint: str) -> StateError:
    return StateError.of(summary, code=code, hint=hint)


def _tree(name: str, blob: Blob) -> dict[str, str]:
    """Say a file in JSON: readable where people look, packed where they do not."""
    tree = {"generation": blob.generation}
    if "/" not in name:
        try:
            return {**tree, "text": blob.content.decode("utf-8")}
        except UnicodeDecodeError:
            pass
    return {**tree, "zlib": base64.b64encode(zlib.compress(blob.content)).decode("ascii")}


def _blob(tree: Mapping[str, str]) -> Blob:
    if "text" in tree:
        return Blob(tree["text"].encode("utf-8"), tree["generation"])
    return Blob(zlib.decompress(base64.b64decode(tree["zlib"])), tree["generation"])


def _checksum(body: Mapping[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
