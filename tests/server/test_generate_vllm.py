"""The vLLM engine, through the real openai SDK, against the routes of vLLM's server on loopback."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tunectl.server.answering import ContextOverflowError, Loaded
from tunectl.server.base_sources import BaseModelError
from tunectl.server.generate import open_generator


class Vllm:
    """What vLLM 0.10 answers: a base, adapters by name and folder, and chats as a stream."""

    def __init__(self, base):
        self.base = str(base)
        self.adapters = {}
        self.runtime = True
        self.key = None
        self.asked = []
        self.loads = 0

    def models(self):
        shown = [{"id": "smol", "root": self.base, "parent": None}]
        shown += [{"id": n, "root": p, "parent": "smol"} for n, p in self.adapters.items()]
        rest = {"object": "model", "created": 1, "owned_by": "vllm"}
        return {"object": "list", "data": [{**one, **rest} for one in shown]}

    def post(self, path, body):
        if path == "/v1/load_lora_adapter" and self.runtime:
            if body["lora_name"] in self.adapters:
                return 400, "The lora adapter has already been loaded."
            self.adapters[body["lora_name"]] = body["lora_path"]
            self.loads += 1
            return 200, f"Success: LoRA adapter '{body['lora_name']}' added successfully."
        if path == "/v1/unload_lora_adapter" and self.runtime:
            del self.adapters[body["lora_name"]]
            return 200, f"Success: LoRA adapter '{body['lora_name']}' removed successfully."
        if path == "/v1/chat/completions":
            return self.chat(body)
        return 404, "Not Found"

    def chat(self, body):
        self.asked.append(body)
        if body["model"] not in {"smol", *self.adapters}:
            return 404, f"The model `{body['model']}` does not exist."
        if len(str(body["messages"])) > 2000:
            return 400, (
                "This model's maximum context length is 512 tokens. However, your request has 700 "
                "input tokens. Please reduce the length of the input messages."
            )
        head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
        chunks = [
            {**head, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}
            for text in ("Dzień ", "dobry, ", "żółwiu!")
        ]
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]})
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        chunks.append({**head, "choices": [], "usage": usage})
        return 200, chunks


@contextmanager
def serving(vllm):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.answer(200, vllm.models() if self.path == "/v1/models" else "ok")

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(*vllm.post(self.path, body))

        def answer(self, status, value):
            if vllm.key and self.headers["Authorization"] != f"Bearer {vllm.key}":
                status, value = 401, "Unauthorized"
            if status >= 400:
                value = {"error": {"message": value, "type": "x", "param": None, "code": status}}
            if isinstance(value, list):
                events = [f"data: {json.dumps(one)}\n\n" for one in value]
                data, kind = "".join([*events, "data: [DONE]\n\n"]).encode(), "text/event-stream"
            elif isinstance(value, str):
                data, kind = value.encode(), "text/plain"
            else:
                data, kind = json.dumps(value).encode(), "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def place(tmp_path):
    (tmp_path / "models" / "abc").mkdir(parents=True)
    for name in ("ftjob-1", "ftjob-2"):
        (tmp_path / "jobs" / name / "adapter").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def vllm(place):
    made = Vllm(place / "models" / "abc")
    with serving(made) as made.url:
        yield made


def loaded(place, job="ftjob-1"):
    adapter = place / "jobs" / job / "adapter" if job else None
    name = f"ft:smol:local:pomoc:{job}" if job else "smol"
    return Loaded(name, place / "models" / "abc", None, adapter)


def ask(vllm, place, job="ftjob-1", text="Gdzie?", engine=None, cancelled=None):
    engine = engine or open_generator(place, vllm.url)
    return list(
        engine.chat(
            loaded(place, job),
            [{"role": "developer", "content": "Krótko."}, {"role": "user", "content": text}],
            max_tokens=9,
            temperature=0.0,
            top_p=1.0,
            seed=4,
            stop=["."],
            cancelled=cancelled or threading.Event(),
        )
    )


def test_an_adapter_is_loaded_once_and_answers_piece_by_piece(vllm, place):
    engine = open_generator(place, vllm.url)
    for _ in range(2):
        pieces = ask(vllm, place, engine=engine)
    assert "".join(piece.text for piece in pieces) == "Dzień dobry, żółwiu!"
    last = pieces[-1]
    assert (last.finish_reason, last.prompt_tokens, last.completion_tokens) == ("length", 7, 3)
    assert vllm.loads == 1
    assert vllm.adapters == {
        "ft:smol:local:pomoc:ftjob-1": str(place / "jobs" / "ftjob-1" / "adapter")
    }
    told = vllm.asked[-1]
    assert told["model"] == "ft:smol:local:pomoc:ftjob-1"
    assert told["messages"][0] == {"role": "system", "content": "Krótko."}
    assert (told["max_tokens"], told["seed"], told["stop"]) == (9, 4, ["."])


def test_the_base_itself_needs_no_adapter(vllm, place):
    assert ask(vllm, place, job=None)
    assert vllm.adapters == {}
    assert vllm.asked[-1]["model"] == "smol"


def test_after_a_restart_of_vllm_the_adapter_is_loaded_again(vllm, place):
    engine = open_generator(place, vllm.url)
    ask(vllm, place, engine=engine)
    vllm.adapters.clear()
    assert ask(vllm, place, engine=engine)
    assert vllm.loads == 2


def test_an_adapter_whose_job_was_deleted_is_unloaded_and_nobody_elses(vllm, place):
    engine = open_generator(place, vllm.url)
    ask(vllm, place, engine=engine)
    vllm.adapters["theirs"] = "/srv/somewhere/else"
    (place / "jobs" / "ftjob-1" / "adapter").rmdir()
    ask(vllm, place, "ftjob-2", engine=engine)
    assert vllm.adapters.keys() == {"theirs", "ft:smol:local:pomoc:ftjob-2"}


def test_a_listener_that_leaves_ends_the_answer(vllm, place):
    gone = threading.Event()
    gone.set()
    assert ask(vllm, place, cancelled=gone) == []


def test_a_prompt_that_does_not_fit_is_told_in_our_words(vllm, place):
    with pytest.raises(ContextOverflowError) as caught:
        ask(vllm, place, text="długie " * 500)
    assert (caught.value.limit, caught.value.prompt_tokens) == (512, 700)


def test_another_base_no_adapters_a_key_or_no_server_say_what_to_do(vllm, place, monkeypatch):
    vllm.base = "/srv/other"
    with pytest.raises(BaseModelError, match="not the base of") as caught:
        ask(vllm, place)
    assert "vllm serve" in caught.value.hint
    vllm.base, vllm.runtime = str(place / "models" / "abc"), False
    with pytest.raises(BaseModelError) as caught:
        ask(vllm, place)
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" in caught.value.hint
    vllm.key = "klucz-0123"
    with pytest.raises(BaseModelError) as caught:
        ask(vllm, place)
    assert "VLLM_API_KEY" in caught.value.hint
    monkeypatch.setenv("VLLM_API_KEY", "klucz-0123")
    vllm.runtime = True
    assert ask(vllm, place)
    vllm.url = "http://127.0.0.1:9/v1"
    with pytest.raises(BaseModelError, match="does not answer"):
        ask(vllm, place)
