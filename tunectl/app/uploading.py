"""Upload bytes and few-shot rows, read from the datasets and documents of the declaration."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError
from tunectl.core.value import Address, Plain

if TYPE_CHECKING:
    from tunectl.data.dataset import Dataset

_IN_MEMORY = 8 * 1024 * 1024  # bytes of an upload kept in memory before it goes to a file


@dataclass(frozen=True, slots=True)
class DatasetReader:
    """Implements the core's `Reader`.

    Attributes:
        root: the project's folder, in which the documents lie.
    """

    datasets: Mapping[Address, Dataset]
    root: Path = Path()

    def open(self, spec: Mapping[str, Plain]) -> AbstractContextManager[BinaryIO]:
        """Open what an upload's settled spec describes: converted rows, or a document as it is.

        A document is named by `document` and `sha256`, whatever else the spec says.

        Raises:
            StaleError: the data is no longer what was planned.
        """
        if "document" in spec:
            return contextlib.closing(io.BytesIO(self._document(spec)))
        return self._open(spec)

    def _document(self, spec: Mapping[str, Plain]) -> bytes:
        from tunectl.data.documents import NoDocumentError, by_name, document_bytes

        name = str(spec["document"])
        try:
            content = document_bytes(by_name(name, self.root))
        except NoDocumentError as error:
            raise StaleError.of(
                f"the document `{name}` changed after the plan was made: {error}",
                hint="run `tunectl plan` again",
            ) from error
        if hashlib.sha256(content).hexdigest() != spec["sha256"]:
            raise StaleError.of(
                f"the document `{name}` changed after the plan was made",
                hint="run `tunectl plan` again",
            )
        return content

    @contextlib.contextmanager
    def _open(self, spec: Mapping[str, Plain]) -> Iterator[BinaryIO]:
        import tempfile

        dataset = self._dataset(spec)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as stream:
            dataset.write(str(spec["split"]), str(spec["format"]), stream)
            stream.seek(0)
            yield cast("BinaryIO", stream)

    def rows(self, spec: Mapping[str, Plain]) -> Iterator[Mapping[str, Plain]]:
        """Yield the canonical chat rows of a split.

        Raises:
            StaleError: the data is no longer what was planned.
        """
        yield from self._dataset(spec).rows(str(spec["split"]))

    def _dataset(self, spec: Mapping[str, Plain]) -> Dataset:
        dataset = self.datasets[Address.parse(str(spec["dataset"]))]
        split = dataset.splits.get(str(spec["split"]))
        if split is None or split.sha256 != spec["sha256"]:
            raise StaleError.of(
                f"the data of `{spec['dataset']}` changed after the plan was made",
                hint="run `tunectl plan` again",
            )
        return dataset
