"""Names and owner marks, in the letters that AWS takes.

Tags hold letters, digits, white space and `._:/=+@-` (botocore 1.44.5, service model `bedrock`,
TagValue), names still less: everything else is written as `=` and two hex digits a byte, as
quoted-printable does (RFC 2045 section 6.7). Metadata of S3 objects is written the same way.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote_to_bytes

from tunectl.core.ports import Mark
from tunectl.core.resource import Resource
from tunectl.core.value import Address, canonical
from tunectl.providers.latin import ascii_name

LONGEST = 63  # of the names of jobs, models, deployments and throughput
OP = "tunectl-op"
ADDRESS = "tunectl-address"
MARK_KEYS = ("tunectl", "tunectl-lineage", "tunectl-project", "tunectl-env", ADDRESS, OP)
TAG = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*")

_VALUE = 256  # characters of one tag
_PARTS = 4  # tags that one long value may take; S3 keeps 2 KB of metadata
_PLAIN = re.compile(rb"[a-zA-Z0-9._:/+@-]")
_OP_AT_END = re.compile(r"-([0-9a-f]{16,48})$")
# Of the formats in the user guide ("Supported document formats", 2026-11), those that are text.
_READ = frozenset({".txt", ".md", ".html", ".csv"})
_OP_IN_KEY = re.compile(r"(?:^|/)tunectl\.([0-9a-f]{16,64})\.[^/]*$")


def encoded(text: str) -> str:
    """Return any text in the letters of a tag.

    >>> encoded('upload.żółw["train"]')
    'upload.=C5=BC=C3=B3=C5=82w=5B=22train=22=5D'
    """
    return "".join(
        chr(byte) if _PLAIN.fullmatch(bytes((byte,))) else f"={byte:02X}" for byte in text.encode()
    )


def decoded(text: str) -> str:
    """Return the text that was encoded.

    Raises:
        ValueError: it is none.
    """
    return unquote_to_bytes(text.replace("%", "%25").replace("=", "%")).decode()


def mark_pairs(mark: Mark) -> dict[str, str]:
    """Return an owner mark as pairs; a long value goes on in `…-2`, `…-3`."""
    values = ("1", mark.lineage, mark.project, mark.env, str(mark.address), mark.op)
    found: dict[str, str] = {}
    for key, value in zip(MARK_KEYS, values, strict=True):
        text = encoded(value)
        if len(text) > _VALUE * _PARTS:
            continue  # whoever reads it must see that the mark is not whole
        for number in range(0, max(1, len(text)), _VALUE):
            name = key if not number else f"{key}-{number // _VALUE + 1}"
            found[name] = text[number : number + _VALUE]
    return found


def mark_of(pairs: Mapping[str, str]) -> Mark | None:
    """Return the owner mark in pairs that came back; None where it is not there as a whole."""
    try:
        tool, *values = (_joined(pairs, key) for key in MARK_KEYS)
        lineage, project, env, address, op = (decoded(value) for value in values)
        if not tool or not all((lineage, project, env, op)):
            return None
        return Mark(
            lineage=lineage, project=project, env=env, address=Address.parse(address), op=op
        )
    except ValueError:
        return None


def _joined(pairs: Mapping[str, str], key: str) -> str:
    parts = [pairs.get(key, "")]
    while (more := pairs.get(f"{key}-{len(parts) + 1}")) is not None:
        parts.append(more)
    return "".join(parts)


def as_tags(pairs: Mapping[str, str]) -> list[dict[str, str]]:
    """Return pairs as Bedrock's tags."""
    return [{"key": key, "value": value} for key, value in pairs.items()]


def pairs_of(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return Bedrock's tags as pairs."""
    return {str(tag["key"]): str(tag["value"]) for tag in tags}


def content_hash(resource: Resource) -> str:
    """Return eight hex digits of what a job is: a changed job never meets an old name."""
    text = resource.fingerprint or canonical(str(sorted(resource.spec)))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def job_name(mark: Mark, content: str, begin: str | None = None) -> str:
    """Return the name of a job and of its model: words for people, content, operation.

    Args:
        mark: its owner.
        content: of `content_hash`.
        begin: instead of the words that tell whose it is.
    """
    return _fitted(begin or _words(mark), f"-{content}-{mark.op}")


def served_name(mark: Mark) -> str:
    """Return the name of a deployment or of throughput: words for people, operation."""
    return _fitted(_words(mark), f"-{mark.op}")


def _words(mark: Mark) -> str:
    env = () if mark.env == "default" else (mark.env,)
    parts = (mark.project, *env, *mark.address.path, mark.address.key or "")
    return "-".join(part for part in map(ascii_name, parts) if part)


def _fitted(words: str, end: str) -> str:
    return (words[: LONGEST - len(end)].rstrip("-_") or "x") + end


def op_in_name(name: str) -> str:
    """Return the operation at the end of a name, empty where there is none."""
    found = _OP_AT_END.search(name)
    return found[1] if found else ""


def object_name(mark: Mark, dataset: str, split: str, sha256: str) -> str:
    """Return the last part of the key of uploaded rows: operation, words, content.

    Args:
        mark: their owner.
        dataset: its address as text.
        split: its name.
        sha256: of the rows, hexadecimal.
    """
    words = ascii_name(dataset.partition(".")[2] or dataset) or "data"
    part = ascii_name(split) or "rows"
    return f"tunectl.{mark.op}.{words[:60]}.{part[:30]}.{sha256[:16]}.jsonl"


def document_name(mark: Mark, path: str, sha256: str) -> str:
    """Return the last part of the key of an uploaded document: operation, words, content.

    Its end tells the service how to read it; what it does not know is read as plain text.

    Args:
        mark: its owner.
        path: its name in the project.
        sha256: of its content, hexadecimal.
    """
    file = PurePosixPath(path)
    end = {".htm": ".html", ".markdown": ".md"}.get(file.suffix.lower(), file.suffix.lower())
    words = ascii_name(file.stem) or "document"
    return f"tunectl.{mark.op}.{words[:60]}.{sha256[:16]}{end if end in _READ else '.txt'}"


def op_in_key(key: str) -> str:
    """Return the operation in the key of what was uploaded, empty where there is none."""
    found = _OP_IN_KEY.search(key)
    return found[1] if found else ""
