"""Upload bytes and few-shot rows, read from the datasets of the declaration."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, cast

from tunectl.core.errors import StaleError
from tunectl.core.value import Address, Plain
from tunectl.data.dataset import Dataset

_IN_MEMORY = 8 * 1024 * 1024  # bytes of an upload kept in memory before it goes to a file


@dataclass(frozen=True)
class DatasetReader:
    """Implements the core's `Reader`."""

    datasets: Mapping[Address, Dataset]

    def open(self, spec: Mapping[str, Plain]) -> AbstractContextManager[BinaryIO]:
        """Open the converted rows an upload's settled spec describes.

        Raises:
            StaleError: the data is no longer what was planned.
        """
        return self._open(spec)

    @contextlib.contextmanager
    def _open(self, spec: Mapping[str, Plain]) -> Iterator[BinaryIO]:
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
