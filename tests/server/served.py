"""A server process for tests, driven by the real SDK; every answer is validated."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openai

from tests.server import wire_schemas
from tunectl.server.folder import Root
from tunectl.server.start import find_server


def chat_row(question, answer):
    turns = [("user", question), ("assistant", answer)]
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def rows(count=12):
    return [
        chat_row(f"Jak zamówić produkt numer {i}? Сколько ждать?", f"Odpowiedź {i}. Pozdrawiamy 🐝")
        for i in range(count)
    ]


def jsonl(items):
    return b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in items)


def wait_until(condition, seconds=30.0):
    """Return what `condition` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.03)
    return result


class Server:
    """A server process and an OpenAI client that validates everything it is answered."""

    def __init__(self, root, *options, trainer="simulated"):
        self.root = Root(Path(root))
        self.options = ["--trainer", trainer, "--idle", "0", *options]
        self.validated = []
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tunectl.server", "--root", self.root.path, *self.options],
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self.endpoint = wait_until(lambda: find_server(self.root.path))
        self.client = self.connect(self.endpoint.token)

    def connect(self, token):
        return openai.OpenAI(
            base_url=self.endpoint.url,
            api_key=token,
            max_retries=0,
            timeout=30,
            http_client=openai.DefaultHttpxClient(event_hooks={"response": [self._check]}),
        )

    def _check(self, response):
        request = response.request
        response.read()
        if "/tunectl/" not in request.url.path or response.status_code >= 400:
            kind = response.headers["content-type"].partition(";")[0]
            self.validated.append(
                wire_schemas.check_response(
                    request.method, request.url.path, response.status_code, kind, response.content
                )
            )

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=20)
        self.client.close()

    def upload(self, content, name="train.jsonl", **more):
        content = content if isinstance(content, bytes) else jsonl(content)
        more = {"purpose": "fine-tune", **more}
        return self.client.files.create(file=(name, content), **more)

    def create(self, content=None, *, slow=None, every=None, **more):
        file = self.upload(rows() if content is None else content)
        options = {"step_seconds": slow, "checkpoint_steps": every}
        options = {key: value for key, value in options.items() if value is not None}
        more = {"model": "smollm2-135m-instruct", **more}
        return self.client.fine_tuning.jobs.create(
            training_file=file.id, extra_body={"tunectl": options}, **more
        )

    def job(self, job_id):
        return self.client.fine_tuning.jobs.retrieve(job_id)

    def state(self, job_id):
        """Return the status of a job without asking the server, who would settle it."""
        state = self.status_file(job_id)["state"]
        return "running" if state == "loading" else state

    def wait(self, job_id, *states):
        states = states or ("succeeded", "failed", "cancelled")
        wait_until(lambda: self.state(job_id) in states)
        return self.job(job_id)

    def trained(self, content=None, **more):
        job = self.wait(self.create(content, **more).id)
        assert job.status == "succeeded", job.error
        return job

    def folder(self, job_id):
        return self.root.jobs / job_id

    def status_file(self, job_id):
        return json.loads((self.folder(job_id) / "status.json").read_text(encoding="utf-8"))

    def kill_trainer(self, job_id, after_step):
        wait_until(lambda: self.status_file(job_id).get("step", 0) >= after_step)
        os.kill(self.status_file(job_id)["pid"], signal.SIGKILL)

    def losses(self, job_id):
        events = self.client.fine_tuning.jobs.list_events(job_id, limit=100)
        return sorted((e.data["step"], e.data["train_loss"]) for e in events if e.type == "metrics")

    def say(self, model, text, **more):
        messages = [{"role": "user", "content": text}]
        return self.client.chat.completions.create(model=model, messages=messages, **more)

    def http(self, method, path, **more):
        """Send a request that the SDK has no method for; returns status and JSON."""
        headers = {"Authorization": f"Bearer {self.endpoint.token}"} | more.pop("headers", {})
        client = self.client._client
        reply = client.request(method, self.endpoint.url + path, headers=headers, **more)
        return reply.status_code, reply.json()
