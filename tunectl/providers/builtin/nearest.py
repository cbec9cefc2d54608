"""Indexes of few-shot examples that are chosen by their nearness to the question.

Laws: an index is named by what it is made of, so that the artefact which is still in use keeps its
own until it is replaced, and what was started with it until the next one is; an equal one that is
there is not made again; none is made that searches worse because the embedding model is missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tunectl.core.errors import ProviderError
from tunectl.core.value import Plain, Value, canonical
from tunectl.providers.builtin.artefact import Rows

_ENDING = ".near.db"


@dataclass(frozen=True, slots=True)
class NearestIndexes:
    """The indexes beside one artefact.

    Attributes:
        project: the project's folder.
        artefact: the artefact's file, relative to it.
        made: those that were made or found here: the file, relative to the project, and its
            sha256.
    """

    project: Path
    artefact: Path
    made: dict[str, str] = field(default_factory=dict)

    def make(self, section: Mapping[str, Plain], rows: Rows) -> Mapping[str, Plain]:
        """Make the index of a section's rows, unless there is an equal one.

        Args:
            section: the section.
            rows: its rows; what is looked for is near to the user's words in them, and the name
                of a document is the number of its row.

        Returns:
            `index`, the file relative to the project, and `index_sha256`.

        Raises:
            OSError: it cannot be written.
            ProviderError: it cannot be made, or the embedding model is not installed.
        """
        from tunectl.retrieval.building import build
        from tunectl.retrieval.document import PLAIN, Document, Settings
        from tunectl.retrieval.errors import RetrievalError

        settings = Settings(size=None, overlap=0)
        digest = hashlib.sha256(canonical((settings.embedding, rows)).encode()).hexdigest()
        name = f"{self.artefact.stem}.{section.get('id')}.{digest[:12]}{_ENDING}"
        path = self.artefact.with_name(name)
        if not (self.project / path).is_file():
            documents = [
                Document(source=str(number), text=_asked(row), format=PLAIN)
                for number, row in enumerate(rows)
            ]
            try:
                build(self.project / path, documents, settings)
            except RetrievalError as error:
                raise ProviderError.of(error.message, hint=error.hint) from error
        made = self.made[path.as_posix()] = file_sha256(self.project / path)
        return {"index": path.as_posix(), "index_sha256": made}

    def remove_others(self, keep: Collection[str] = ()) -> None:
        """Remove the indexes of former versions of the artefact.

        Args:
            keep: those of the version before, which applications may be running with.

        Raises:
            OSError: one cannot be removed.
        """
        folder = (self.project / self.artefact).parent
        start = f"{self.artefact.stem}."
        for path in folder.iterdir() if folder.is_dir() else ():
            middle = path.name.removeprefix(start).removesuffix(_ENDING)
            ours = path.name == f"{start}{middle}{_ENDING}" and middle.count(".") == 1
            name = self.artefact.with_name(path.name).as_posix()
            if ours and name not in self.made and name not in keep:
                path.unlink(missing_ok=True)


def lacking(sections: Value) -> tuple[str, str] | None:
    """Return what the nearest examples of a template need that is not installed, and a way out.

    Args:
        sections: as they are declared.
    """
    from tunectl.retrieval.document import Settings
    from tunectl.retrieval.embedding import needed
    from tunectl.retrieval.errors import MissingEmbedderError

    for section in sections if isinstance(sections, tuple) else ():
        if not isinstance(section, Mapping) or section.get("select") != "nearest":
            continue
        try:
            needed(Settings().embedding)
        except MissingEmbedderError as error:
            what = f"section `{section.get('id')}` selects the nearest examples: {error.message}"
            return what, f"{error.hint}; or choose the rows once: `select: seeded`"
    return None


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _asked(row: tuple[Mapping[str, Plain], ...]) -> str:
    """What the user says in a row."""
    return "\n".join(str(one.get("content")) for one in row if one.get("role") == "user")
