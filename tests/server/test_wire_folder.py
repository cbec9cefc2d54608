"""The root folder: writes that survive, locks that mean life, names that cannot escape."""

import asyncio
import os
import subprocess
import sys
import threading
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.served import rows
from tunectl.server.answering import Loaded
from tunectl.server.api_chat import answer
from tunectl.server.folder import (
    Root,
    append_line,
    file_name,
    is_locked,
    locked,
    read_json,
    read_lines,
    take_lock,
    write_json,
)
from tunectl.server.jobs import JobFolder
from tunectl.server.simulated_answers import SimulatedGenerator, training_pairs


def test_a_reader_sees_the_old_or_the_new_value_only(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"n": 0})
    stop = threading.Event()

    def write():
        for number in range(300):
            write_json(path, {"n": number, "pad": "ł" * number}, durable=False)
        stop.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stop.is_set():
        value = read_json(path)
        assert value is not None
        assert len(value.get("pad", "")) == value["n"]
    writer.join()
    assert [p.name for p in tmp_path.iterdir()] == ["value.json"]


def test_a_torn_last_line_is_no_line_and_spoils_no_other(tmp_path):
    path = tmp_path / "events.jsonl"
    append_line(path, {"n": 1})
    with path.open("ab") as stream:
        stream.write(b'{"n": 2, "text": "za')
    assert read_lines(path) == [{"n": 1}]
    append_line(path, {"n": 3})
    assert read_lines(path) == [{"n": 1}, {"n": 3}]


def test_a_missing_or_torn_value_reads_as_none(tmp_path):
    assert read_json(tmp_path / "none.json") is None
    (tmp_path / "torn.json").write_text('{"a": ')
    assert read_json(tmp_path / "torn.json") is None
    (tmp_path / "list.json").write_text("[]")
    assert read_json(tmp_path / "list.json") is None


def test_a_lock_is_held_by_one_and_freed_by_death(tmp_path):
    path = tmp_path / "lock"
    assert not is_locked(path)
    code = "import sys; from tunectl.server.folder import *; from pathlib import Path\n"
    code += "take_lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(path)
        assert take_lock(path, wait=0.05) is None
        holder.kill()
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
    descriptor = take_lock(path)
    assert descriptor is not None
    os.close(descriptor)


def test_the_identity_and_token_of_a_root_are_made_once(tmp_path, together):
    root = Root(tmp_path / "root")
    made = together(lambda _: (r := root.prepare()).account() + r.token())
    assert len(set(made)) == 1


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_file_name_is_safe_and_stands_for_one_name(name, other):
    try:
        name.encode()
        other.encode()
    except UnicodeEncodeError:
        return
    safe = file_name(name)
    assert "/" not in safe
    assert "\0" not in safe
    assert len(safe) <= 200
    assert (safe == file_name(other)) == (name == other)


def job_in(tmp_path):
    path = Root(tmp_path).prepare().jobs / "ftjob-a"
    path.mkdir()
    return JobFolder(path)


def test_of_a_step_that_ran_twice_the_last_is_kept(tmp_path):
    job = job_in(tmp_path)
    job.event("start")
    for step, loss in [(1, 3.0), (2, 2.0), (2, 2.5), (3, 1.0)]:
        job.event(f"Step {step}", type="metrics", data={"step": step, "train_loss": loss})
    events = job.events()
    assert [e["data"].get("train_loss") for e in events] == [None, 3.0, 2.5, 1.0]


def test_a_checkpoint_counts_when_sealed_and_only_the_last_are_kept(tmp_path):
    job = job_in(tmp_path)
    for step in (5, 10, 15):
        path = job.begin_checkpoint(step)
        (path / "state.json").write_text("{}")
        assert step not in [s for s, _ in job.checkpoints()]
        job.seal_checkpoint(path, keep=2)
    assert [step for step, _ in job.checkpoints()] == [10, 15]


def test_a_row_with_several_answers_teaches_those_that_count():
    row = {
        "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "b", "weight": 0},
            {"role": "user", "content": [{"type": "text", "text": "c"}]},
            {"role": "assistant", "content": "d"},
        ]
    }
    assert training_pairs(row) == [("c", "d")]
    assert len(training_pairs(rows(1)[0])) == 1


def simulated(cancelled, text="jeden dwa trzy cztery", **more):
    model = Loaded("m", None, None, None, simulated=True)
    options = {"max_tokens": None, "temperature": 1.0, "top_p": 1.0, "seed": None, "stop": ()}
    messages = [{"role": "user", "content": text}]
    return SimulatedGenerator().chat(model, messages, cancelled=cancelled, **(options | more))


@given(st.text(max_size=40), st.integers(1, 20))
def test_pieces_join_to_the_answer_and_the_counts_are_true(text, most):
    whole = list(simulated(threading.Event(), text))
    assert "".join(piece.text for piece in whole).strip().endswith(text.strip())
    cut = list(simulated(threading.Event(), text, max_tokens=most))
    assert cut[-1].completion_tokens <= most
    assert (cut[-1].finish_reason == "length") == (whole[-1].completion_tokens > most)


def test_an_answer_ends_when_nobody_listens():
    cancelled = threading.Event()
    spoken = []

    class Endless:
        def pieces(self, chat, choice, cancelled):
            while not cancelled.is_set():
                spoken.append(choice)
                cancelled.wait(0.001)
                yield choice

    async def listen_briefly():
        chat = types.SimpleNamespace(choices=1)
        pieces = answer(Endless(), chat, cancelled)
        for _ in range(3):
            await anext(pieces)
        await pieces.aclose()

    asyncio.run(listen_briefly())
    assert cancelled.is_set()
    assert len(spoken) >= 3


def test_a_generator_that_fails_fails_the_answer():
    class Broken:
        def pieces(self, chat, choice, cancelled):
            yield 1
            raise RuntimeError("out of memory")

    async def listen():
        chat = types.SimpleNamespace(choices=1)
        return [piece async for piece in answer(Broken(), chat, threading.Event())]

    with pytest.raises(RuntimeError, match="out of memory"):
        asyncio.run(listen())
