"""Ray's Jobs API on the loopback interface, as its own client sees it; entrypoints run in a shell.

It can be told to lose replies, to refuse and to fall silent. What a real cluster does is tested in
`test_ray_cluster`.
"""

import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class JobsApi:
    """Submissions by id: {"status", "entrypoint", ...}; `runs`: entrypoints are really run."""

    def __init__(self, *, runs=False):
        self.jobs = {}
        self.runs = runs
        self.fault = None  # "lose" a reply, "refuse" with an error, "drop" a request
        self.seen = []
        self.headers = []
        self._children = {}
        self._mutex = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        for child in self._children.values():
            child.kill()
            child.wait()

    def end(self, submission, status="FAILED", **more):
        self.jobs[submission] |= {"status": status, **more}

    def submissions(self):
        return [path for method, path in self.seen if (method, path) == ("POST", "/api/jobs/")]

    def answer(self, method, path, body):
        if path == "/api/version":
            return 200, {"version": "4", "ray_version": "2.60.0", "ray_commit": "x"}
        with self._mutex:
            if method == "POST" and path == "/api/jobs/":
                return self._submit(body)
            submission, _, verb = path.removeprefix("/api/jobs/").partition("/")
            if submission not in self.jobs:
                return 404, f"Job {submission} does not exist"
            if verb == "stop":
                self.jobs[submission]["status"] = "STOPPED"
                return 200, {"stopped": True}
            return 200, self._shown(submission)

    def _submit(self, body):
        submission = body["submission_id"]
        if self.fault == "refuse":
            return 500, "Traceback …\nValueError: no agent is alive"
        if submission in self.jobs:
            return (
                500,
                f"Traceback …\nValueError: Job with submission_id {submission} already exists.",
            )
        self.jobs[submission] = {"status": "PENDING", **body}
        if self.runs:
            self._children[submission] = subprocess.Popen(["sh", "-c", body["entrypoint"]])
        return 200, {"job_id": submission, "submission_id": submission}

    def _shown(self, submission):
        job = self.jobs[submission]
        child = self._children.get(submission)
        if child is not None and job["status"] != "STOPPED":
            code = child.poll()
            done = "SUCCEEDED" if code == 0 else "FAILED"
            job |= {"status": "RUNNING" if code is None else done, "driver_exit_code": code}
        kept = ("status", "entrypoint", "error_type", "driver_exit_code", "message")
        return {
            "type": "SUBMISSION",
            "submission_id": submission,
            **{key: job[key] for key in kept if job.get(key) is not None},
        }

    def _handler(api):  # noqa: N805  # the handler's own `self` is another
        class Handler(BaseHTTPRequestHandler):
            def _serve(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                api.seen.append((self.command, self.path))
                api.headers.append(dict(self.headers))
                if api.fault == "drop":
                    self.close_connection = True
                    return
                status, said = api.answer(self.command, self.path, body)
                if api.fault == "lose" and self.command == "POST":
                    self.close_connection = True
                    return
                raw = said.encode() if isinstance(said, str) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = _serve  # noqa: N815  # the standard library's names

            def log_message(self, *arguments):
                pass

        return Handler
