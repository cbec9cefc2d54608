import shutil
import signal
import threading

import pytest

from tests.server.tiny_model import chat, tiny_root, write_gguf, write_job
from tunectl.server.adapter import UnsupportedAdapterError
from tunectl.server.answering import ContextOverflowError, Loaded
from tunectl.server.generate import open_generator
from tunectl.server.generate_transformers import TransformersGenerator
from tunectl.server.lora_gguf import adapter_gguf, permute
from tunectl.server.trainers import lora

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

ANSWER = "Zażółć жёлтый 🐝!"
QUESTIONS = ("?", "Jak zmienić hasło?", "Как отменить заказ?", "x" * 150)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A base from GGUF and an adapter that has learned one answer by heart."""
    root = tmp_path_factory.mktemp("llamacpp")
    _, digest = tiny_root(root)
    base = root / "models" / digest
    gguf = write_gguf(base / "model.gguf")
    rows = [chat(question, ANSWER) for question in QUESTIONS[:3]] * 130
    settings = {"n_epochs": 1, "batch_size": 6, "learning_rate_multiplier": 10.0}
    job = write_job(root, digest, rows, name="answers", hyperparameters=settings)
    before = signal.getsignal(signal.SIGTERM)
    assert lora.main([str(job.path)]) == 0
    signal.signal(signal.SIGTERM, before)
    return (
        root,
        Loaded("m", base, gguf, None),
        Loaded("t", base, gguf, job.adapter),
    )


def answer(engine, model, question="?", **more):
    settings = {
        "max_tokens": 40,
        "temperature": 0.0,
        "top_p": 1.0,
        "seed": None,
        "stop": [],
        "cancelled": threading.Event(),
    } | more
    return list(engine.chat(model, [{"role": "user", "content": question}], **settings))


def text(pieces):
    return "".join(piece.text for piece in pieces)


def test_rows_go_from_halves_to_pairs_head_by_head():
    import numpy as np

    rows = np.arange(16).reshape(8, 2)  # two heads of four rows
    assert permute(rows, 2)[:, 0].tolist() == [0, 4, 2, 6, 8, 12, 10, 14]


def test_the_converted_adapter_has_llama_cpps_names_and_alpha(tuned):
    import gguf

    _, _, model = tuned
    path = adapter_gguf(model.adapter, model.base)
    assert path == model.adapter / "adapter.gguf"
    reader = gguf.GGUFReader(str(path))
    assert reader.get_field("adapter.lora.alpha").contents() == 16.0
    assert reader.get_field("general.type").contents() == "adapter"
    names = {tensor.name for tensor in reader.tensors}
    assert len(names) == 2 * 7 * 2
    assert "blk.1.attn_output.weight.lora_a" in names
    before = path.stat().st_mtime_ns
    assert adapter_gguf(model.adapter, model.base).stat().st_mtime_ns == before


def test_an_adapter_for_another_family_is_refused(tuned, tmp_path):
    _, _, model = tuned
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text('{"model_type": "mamba"}')
    other = shutil.copytree(model.adapter, tmp_path / "adapter")
    (other / "adapter.gguf").unlink(missing_ok=True)
    with pytest.raises(UnsupportedAdapterError, match="mamba"):
        adapter_gguf(other, base)
    assert not list(other.glob("*adapter.gguf*"))


def test_both_engines_give_the_same_greedy_answers(tuned):
    pytest.importorskip("llama_cpp", exc_type=ImportError)
    from tunectl.server.generate_llamacpp import LlamaCppGenerator

    root, base, model = tuned
    ours, theirs = TransformersGenerator(root), LlamaCppGenerator()
    for question in QUESTIONS:
        for each in (base, model, base):
            expected = answer(ours, each, question)
            found = answer(theirs, each, question)
            assert text(found).rstrip("\ufffd") == text(expected).rstrip("\ufffd")
            assert found[-1] == expected[-1]
    assert text(answer(theirs, model)) == ANSWER


def test_llama_cpp_streams_whole_characters_stops_and_refuses_like_the_other_engine(tuned):
    pytest.importorskip("llama_cpp", exc_type=ImportError)
    from tunectl.server.generate_llamacpp import LlamaCppGenerator

    _, _, model = tuned
    engine = LlamaCppGenerator()
    assert [piece.text for piece in answer(engine, model)[:-1]] == list(ANSWER)
    assert text(answer(engine, model, stop=["жёл"])) == "Zażółć "
    assert text(answer(engine, model, max_tokens=5)) == "Zaż"
    drawn = {"temperature": 1.5, "max_tokens": 30}
    assert answer(engine, model, seed=4, **drawn) == answer(engine, model, seed=4, **drawn)
    with pytest.raises(ContextOverflowError):
        answer(engine, model, "x" * 600)
    gone = threading.Event()
    messages = [{"role": "user", "content": "?"}]
    settings = {"max_tokens": 99, "temperature": 1.0, "top_p": 1.0, "seed": 1, "stop": []}
    stream = engine.chat(model, messages, cancelled=gone, **settings)
    next(stream)
    gone.set()
    assert list(stream) == []
    assert text(answer(engine, model)) == ANSWER


def test_llama_cpp_is_chosen_where_it_is_installed_and_the_base_has_a_gguf(tuned, monkeypatch):
    pytest.importorskip("llama_cpp", exc_type=ImportError)
    from tunectl.server.generate_llamacpp import LlamaCppGenerator

    monkeypatch.delenv("TUNECTL_ENGINE", raising=False)
    root, base, model = tuned
    chosen = open_generator(root)
    assert isinstance(chosen.engine(model), LlamaCppGenerator)
    without = Loaded("m", base.base, None, None)
    assert isinstance(chosen.engine(without), TransformersGenerator)
