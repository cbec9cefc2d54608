import threading

import pytest

from tests.server.tiny_model import chat, save_tiny, tiny_root, write_job
from tunectl.server.adapter import UnsupportedAdapterError
from tunectl.server.answering import ContextOverflowError, Loaded, Piece
from tunectl.server.chat_messages import UnsupportedMessageError
from tunectl.server.generate import open_generator
from tunectl.server.generate_transformers import CHUNK, TransformersGenerator
from tunectl.server.trainers import lora

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

ANSWER = "Zażółć жёлтый 🐝!"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tiny_root(tmp_path_factory.mktemp("answers"))


@pytest.fixture(scope="module")
def tuned(place):
    """An adapter that has learned one answer by heart."""
    import signal

    before = signal.getsignal(signal.SIGTERM)
    job = write_job(
        *place,
        [chat("?", ANSWER)] * 800,
        name="answers",
        checkpoint_steps=1000,
        hyperparameters={"n_epochs": 1, "batch_size": 8, "learning_rate_multiplier": 10.0},
    )
    assert lora.main([str(job.path)]) == 0
    signal.signal(signal.SIGTERM, before)
    return job


@pytest.fixture(scope="module")
def engine(place):
    return TransformersGenerator(place[0])


@pytest.fixture
def ask(place, engine):
    def ask(question="?", adapter=None, **more) -> list[Piece]:
        base = place[0] / "models" / place[1]
        settings = {
            "max_tokens": 40,
            "temperature": 0.0,
            "top_p": 1.0,
            "seed": None,
            "stop": [],
            "cancelled": threading.Event(),
        } | more
        messages = [{"role": "user", "content": question}]
        return list(engine.chat(Loaded("m", base, None, adapter), messages, **settings))

    return ask


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_an_adapter_changes_the_answer_and_the_base_stays_what_it_was(ask, tuned):
    before = ask()
    assert (
        text(ask(adapter=tuned.adapter)) == ANSWER + "\n"
        or text(ask(adapter=tuned.adapter)) == ANSWER
    )
    assert text(before) != ANSWER
    assert ask() == before


def test_the_answer_streams_in_whole_characters(ask, tuned):
    pieces = ask(adapter=tuned.adapter)
    assert [piece.text for piece in pieces[:-1]] == list(ANSWER)
    last = pieces[-1]
    assert last.finish_reason == "stop"
    assert last.text == ""
    assert last.completion_tokens == len(ANSWER.encode()) + 1
    assert last.prompt_tokens > 0
    assert all(piece.finish_reason is None for piece in pieces[:-1])


def test_a_stop_string_ends_the_answer_before_itself(ask, tuned):
    pieces = ask(adapter=tuned.adapter, stop=["жёл", "zzz"])
    assert text(pieces) == "Zażółć "
    assert pieces[-1].finish_reason == "stop"


def test_max_tokens_cuts_the_answer_and_never_a_character(ask, tuned):
    pieces = ask(adapter=tuned.adapter, max_tokens=4)  # Z a and the two bytes of ż
    assert (text(pieces), pieces[-1].finish_reason) == ("Zaż", "length")
    pieces = ask(adapter=tuned.adapter, max_tokens=5)  # and half of ó
    assert (text(pieces), pieces[-1].finish_reason) == ("Zaż", "length")
    assert pieces[-1].completion_tokens == 5


def test_without_a_limit_an_answer_ends_with_the_context(ask):
    pieces = ask(max_tokens=None)
    assert pieces[-1].prompt_tokens + pieces[-1].completion_tokens <= 512
    assert pieces[-1].finish_reason in {"length", "stop"}


def test_the_answer_equals_plain_transformers_greedy_answer(ask, place, tuned):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = place[0] / "models" / place[1]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    for adapter in (None, tuned.adapter):
        if adapter is not None:
            model = PeftModel.from_pretrained(model, adapter)
        for question in ("?", "Jak zmienić hasło? " * 8):
            messages = [{"role": "user", "content": question}]
            prompt = tokenizer.apply_chat_template(
                messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
            out = model.generate(**prompt, do_sample=False, max_new_tokens=40)
            expected = tokenizer.decode(
                out[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True
            )
            assert text(ask(question, adapter)) == expected.rstrip("\ufffd")


def test_a_seed_makes_a_drawn_answer_repeat_and_another_seed_changes_it(ask):
    drawn = {"temperature": 1.0, "max_tokens": 30}
    assert ask(seed=4, **drawn) == ask(seed=4, **drawn)
    assert ask(seed=4, **drawn) != ask(seed=5, **drawn)
    assert ask(temperature=1.0, top_p=1e-9, seed=1) == ask(temperature=0.0)


def test_an_answer_does_not_depend_on_what_was_asked_before(place, ask, tuned):
    shared = "x" * (3 * CHUNK)
    base = place[0] / "models" / place[1]

    def fresh(question, adapter=None):
        generator = TransformersGenerator(place[0])
        messages = [{"role": "user", "content": question}]
        return list(
            generator.chat(
                Loaded("m", base, None, adapter),
                messages,
                max_tokens=20,
                temperature=0.9,
                top_p=0.9,
                seed=3,
                stop=[],
                cancelled=threading.Event(),
            )
        )

    drawn = {"temperature": 0.9, "top_p": 0.9, "seed": 3, "max_tokens": 20}
    for question in (shared, shared + "a", shared + "b", "x", shared + "b", shared * 2):
        assert ask(question, **drawn) == fresh(question)
    assert ask(shared, tuned.adapter, **drawn) == fresh(shared, tuned.adapter)


def test_a_prompt_that_fills_the_context_is_refused_before_anything_is_streamed(place, engine):
    base = place[0] / "models" / place[1]
    with pytest.raises(ContextOverflowError, match="maximum context length is 512") as caught:
        engine.chat(
            Loaded("m", base, None, None),
            [{"role": "user", "content": "x" * 600}],
            max_tokens=1,
            temperature=0.0,
            top_p=1.0,
            seed=None,
            stop=[],
            cancelled=threading.Event(),
        )
    assert caught.value.prompt_tokens > 600


def test_a_client_that_goes_away_stops_the_generation(place, engine, ask):
    base = place[0] / "models" / place[1]
    gone = threading.Event()
    answer = engine.chat(
        Loaded("m", base, None, None),
        [{"role": "user", "content": "?"}],
        max_tokens=400,
        temperature=1.0,
        top_p=1.0,
        seed=1,
        stop=[],
        cancelled=gone,
    )
    next(answer)
    gone.set()
    assert list(answer) == []
    assert ask(max_tokens=1)[-1].completion_tokens == 1


def test_a_dropped_answer_frees_the_engine_for_the_next(place, engine, ask):
    base = place[0] / "models" / place[1]
    answer = engine.chat(
        Loaded("m", base, None, None),
        [{"role": "user", "content": "?"}],
        max_tokens=400,
        temperature=1.0,
        top_p=1.0,
        seed=1,
        stop=[],
        cancelled=threading.Event(),
    )
    next(answer)
    answer.close()
    assert ask(max_tokens=1)[-1].completion_tokens == 1


def test_messages_that_are_not_text_are_refused(place, engine):
    base = place[0] / "models" / place[1]
    with pytest.raises(UnsupportedMessageError, match="image_url"):
        engine.chat(
            Loaded("m", base, None, None),
            [{"role": "user", "content": [{"type": "image_url"}]}],
            max_tokens=1,
            temperature=0.0,
            top_p=1.0,
            seed=None,
            stop=[],
            cancelled=threading.Event(),
        )


def test_the_developer_role_is_the_system_role(place, engine, ask):
    base = place[0] / "models" / place[1]

    def answer(role):
        return list(
            engine.chat(
                Loaded("m", base, None, None),
                [{"role": role, "content": "Po polsku."}, {"role": "user", "content": "?"}],
                max_tokens=5,
                temperature=0.0,
                top_p=1.0,
                seed=None,
                stop=[],
                cancelled=threading.Event(),
            )
        )

    assert answer("developer") == answer("system")


def test_an_adapter_of_another_kind_or_base_is_refused_not_applied(ask, tuned, tmp_path):
    import json
    import shutil

    odd = shutil.copytree(tuned.adapter, tmp_path / "odd")
    config = json.loads((odd / "adapter_config.json").read_text())
    (odd / "adapter_config.json").write_text(json.dumps(config | {"use_dora": True}))
    with pytest.raises(UnsupportedAdapterError, match="use_dora"):
        ask(adapter=odd)
    with pytest.raises(UnsupportedAdapterError, match="not an adapter folder"):
        ask(adapter=tmp_path / "nowhere")


def test_open_generator_obeys_the_environment(place, monkeypatch, tuned):
    monkeypatch.setenv("TUNECTL_ENGINE", "transformers")
    model = Loaded("m", place[0] / "models" / place[1], None, tuned.adapter)
    chosen = open_generator(place[0])
    assert isinstance(chosen.engine(model), TransformersGenerator)
    monkeypatch.setenv("TUNECTL_ENGINE", "abacus")
    with pytest.raises(ValueError, match="abacus"):
        open_generator(place[0])


def test_two_bases_answer_each_as_itself(place, engine, ask, tmp_path):
    other = save_tiny(tmp_path / "other", seed=99)
    mine = ask()
    theirs = list(
        engine.chat(
            Loaded("o", other, None, None),
            [{"role": "user", "content": "?"}],
            max_tokens=40,
            temperature=0.0,
            top_p=1.0,
            seed=None,
            stop=[],
            cancelled=threading.Event(),
        )
    )
    assert text(theirs) != text(mine)
    assert ask() == mine
