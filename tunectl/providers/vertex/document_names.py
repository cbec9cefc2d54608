"""Objects of uploaded documents: the name tells document and content, so that a search can too.

`PREFIX/tunectl/OP/SHA/NAME`, where every byte of the document's name but letters of English,
digits and `._-/` is written as `=` and two hex digits (as quoted-printable does, RFC 2045 section
6.7). RAG Engine reads a file by the end of its name: one that it does not know gets another end,
behind a `=`, which no name holds otherwise.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote_to_bytes

from tunectl.providers.documents import Document

# Of the formats that RAG Engine reads (Google Cloud, "Supported document types", 2026-11), those
# that are text.
_READ = frozenset({".txt", ".md", ".html"})
_PLAIN = re.compile(rb"[a-zA-Z0-9._/-]")
_NAME = re.compile(r"(?:^|/)tunectl/[0-9a-f]{16,64}/([0-9a-f]{16})/([^/].*)$", re.DOTALL)
_END = re.compile(r"=\.(?:txt|md|html)$")


def object_of(document: Document) -> str:
    """Return the last part of an object's name.

    >>> object_of(Document("docs/żółw.rst", "a" * 64))
    'aaaaaaaaaaaaaaaa/docs/=C5=BC=C3=B3=C5=82w.rst=.txt'
    """
    raw = document.id.partition("/")
    path = "".join(
        chr(byte) if _PLAIN.fullmatch(bytes((byte,))) else f"={byte:02X}"
        for byte in raw[2].lstrip("/").encode()
    )
    path = path.replace("//", "/=2F")  # no folder is without a name
    suffix = PurePosixPath(document.path).suffix.lower()
    end = {".htm": "=.html", ".markdown": "=.md"}.get(suffix, "=.txt")
    return f"{raw[0]}/{path}{'' if suffix in _READ else end}"


def document_id(uri: str) -> str:
    """Return the id of the document behind an object's address; empty where it is none of ours."""
    found = _NAME.search(uri)
    if found is None:
        return ""
    try:
        path = unquote_to_bytes(_END.sub("", found[2]).replace("%", "%25").replace("=", "%"))
        return f"{found[1]}/{path.decode()}"
    except ValueError:
        return ""


def is_document(name: str) -> bool:
    """Tell whether an object is an uploaded document."""
    return bool(document_id(name))
