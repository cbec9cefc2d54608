"""Documents of knowledge bases: which files they are, and their text.

Laws: a document's bytes are its text in UTF-8 without a byte order mark, however it is stored; its
identity is the sha256 of those bytes; what is no text is refused with the line, never guessed.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit
from tunectl.data.datafile import DataFile
from tunectl.data.encodings import guess_encoding, wide_encoding
from tunectl.data.files import find_files, is_local
from tunectl.data.problems import Problems
from tunectl.data.remote import is_remote
from tunectl.data.remote.objects import UnreachableError
from tunectl.data.spec import DataSpec

LARGEST = 20 * 1024 * 1024  # bytes: about five million tokens, the most that any service takes
# By the end of its name. A table is rows rather than prose, but its lines are found by keywords.
TEXTS = frozenset(
    {
        ".md", ".markdown", ".mdx", ".txt", ".text", ".html", ".htm", ".rst", ".adoc",
        ".asciidoc", ".org", ".tex", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".xml",
        ".log", ".srt", ".vtt",
    }
)  # fmt: skip
_HINTS = {
    ".pdf": "`pdftotext FILE.pdf FILE.txt` gives its text",
    ".docx": "`pandoc FILE.docx -o FILE.md` gives its text",
    ".doc": "save it as Markdown or text",
    ".odt": "`pandoc FILE.odt -o FILE.md` gives its text",
    ".rtf": "`pandoc FILE.rtf -o FILE.md` gives its text",
    ".epub": "`pandoc FILE.epub -o FILE.md` gives its text",
    ".pptx": "save it as Markdown or text",
    ".xlsx": "save its sheets as CSV",
}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it was read.

    Attributes:
        name: as it is called everywhere: a path relative to the project, with `/`, or a URL.
        sha256: of its text in UTF-8, hexadecimal.
        size: bytes of that.
        blank: whether it is nothing but white space.
    """

    name: str
    sha256: str
    size: int
    blank: bool = False


class NoDocumentError(Exception):
    """A file is no document.

    Attributes:
        line: 1-based; 0 where it is the whole file.
        hint: what to do.
        code: of the diagnostic.
    """

    def __init__(self, summary: str, *, code: str, line: int = 0, hint: str = "") -> None:
        super().__init__(summary)
        self.line = line
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class Missing:
    """A source, or a file of it, that gives no documents, in words for people.

    Attributes:
        said: what is wrong with it.
        file: the file it stands in; empty where it is the source itself.
        line: 1-based; 0 where it is the whole file.
    """

    said: Diagnostic
    file: str = ""
    line: int = 0


def document_files(source: str, root: Path) -> list[DataFile] | list[Missing]:
    """Return the files that a source names, in the order of their names, or why there are none.

    Args:
        source: a path or pattern inside the project, `gs://…` or `s3://…`.
        root: the project's folder.
    """
    if not is_remote(source) and (not is_local(source) or _leads_out(source)):
        return [_said("outside-project", f"`{source}` lies outside the project", _COPY)]
    if not is_remote(source) and (root / source).is_dir():
        text, hint = f"`{source}` is a folder", f"name the files: `{source.rstrip('/')}/**/*.md`"
        return [_said("is-a-directory", text, hint)]
    problems = Problems(None, {})
    found = find_files(DataSpec(source), root, problems)
    if problems.failures:
        return [Missing(diagnostic) for diagnostic in problems.result()]
    outside = [f for f in found if f.path is not None and not _inside(f.path, root)]
    if outside:
        text = f"`{outside[0].name}` lies outside the project"
        return [_said("outside-project", text, _COPY)]
    return found


def document(file: DataFile) -> Document:
    """Read a document for its name, hash and size.

    Raises:
        NoDocumentError: it is none.
    """
    content = document_bytes(file)
    sha256, blank = hashlib.sha256(content).hexdigest(), not content.decode().strip()
    return Document(file.name, sha256, len(content), blank)


def document_bytes(file: DataFile) -> bytes:
    """Return a document's text in UTF-8, without a byte order mark.

    Raises:
        NoDocumentError: it is none: not a format of text, too large, not readable, binary, or in
            an encoding that cannot be told.
    """
    ending = PurePosixPath(file.name.lower()).suffix
    if ending not in TEXTS:
        raise NoDocumentError(
            f"`{file.name}` is no text that is known" if ending else f"`{file.name}` has no ending",
            code="document-format",
            hint=_HINTS.get(ending, f"documents are text: {_listed(TEXTS)}"),
        )
    try:
        with file.open() as stream:
            content = stream.read(LARGEST + 1)
    except UnreachableError as error:
        raise NoDocumentError(str(error), code="unreadable", hint=error.hint) from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        text = f"`{file.name}` cannot be read: {why}"
        raise NoDocumentError(text, code="unreadable") from error
    if len(content) > LARGEST:
        raise NoDocumentError(
            f"`{file.name}` has more than {LARGEST // 2**20} MB of text",
            code="document-size",
            hint="split it by chapters: an answer names the document it rests on",
        )
    return _utf8(content, file.name)


def by_name(name: str, root: Path) -> DataFile:
    """Return the file of a document.

    Args:
        name: as `Document.name`.
        root: the project's folder.

    Raises:
        NoDocumentError: there is none any more.
    """
    found = document_files(name, root)
    for one in found:
        if isinstance(one, DataFile) and one.name == name:
            return one
    said = next((one.said for one in found if isinstance(one, Missing)), None)
    text = said.summary if said is not None else f"there is no document `{name}`"
    raise NoDocumentError(text, code="no-such-file", hint=said.hint if said is not None else "")


def _utf8(content: bytes, name: str) -> bytes:
    if content[:2] in _UTF16:
        try:
            return content.decode("utf-16").lstrip("\ufeff").encode()
        except UnicodeDecodeError as error:
            raise NoDocumentError(
                f"`{name}` is broken UTF-16", code="not-utf8", hint="save it as UTF-8"
            ) from error
    content = content.removeprefix(codecs.BOM_UTF8)
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise NoDocumentError(
            f"`{name}` is {wide_encoding(content[:256]) or 'binary, not text'}",
            code="document-binary",
            line=line,
            hint="documents are text in UTF-8: convert it, or leave it out of `sources:`",
        )
    try:
        content.decode()
    except UnicodeDecodeError as error:
        guessed = guess_encoding(content)
        line = content.count(b"\n", 0, error.start) + 1
        hint = "save it as UTF-8"
        if guessed:
            hint = f"it may be {guessed}: `iconv -f {guessed} -t utf-8 FILE` converts it"
        raise NoDocumentError(
            f"`{name}` is not UTF-8", code="not-utf8", line=line, hint=hint
        ) from error
    return content


_COPY = "copy it into the project's folder"


def _said(code: str, summary: str, hint: str) -> Missing:
    return Missing(Diagnostic(summary=summary, code=code, hint=hint, exit=Exit.ERROR))


def _leads_out(source: str) -> bool:
    parts = PurePosixPath(source).parts
    return Path(source).is_absolute() or ".." in parts


def _inside(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _listed(endings: Iterable[str]) -> str:
    return ", ".join(sorted(endings))
