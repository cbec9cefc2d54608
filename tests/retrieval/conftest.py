import pytest

from tunectl.retrieval.building import build
from tunectl.retrieval.document import Document, Settings

TEXTS = {
    "zwroty.md": "# Zwroty\n\nTowar oddaje się w 14 dni od odebrania paczki.\n",
    "dostawa.md": "# Dostawa\n\nKurier przyjeżdża w trzy dni robocze. Żółw jest wolniejszy.\n",
    "oplata.md": "# Оплата\n\nПлатить можно картой. Ошибка К-204 значит, что карта закрыта.\n",
}
KEYWORDS = Settings(embedding="none")


def documents(**texts):
    """Documents by name without ending; those of TEXTS where none is given."""
    given = {f"{name}.md": text for name, text in texts.items()} or TEXTS
    return [Document(name, text) for name, text in given.items()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "indeks żółty" / "manual.db"


@pytest.fixture
def built(path):
    """An index without embeddings."""
    build(path, documents(), KEYWORDS)
    return path


@pytest.fixture
def no_embedder(monkeypatch):
    """A machine on which no embedding model is installed."""
    monkeypatch.setattr("tunectl.retrieval.embedding.find_spec", lambda name: None)
