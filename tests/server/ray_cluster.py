"""A Ray cluster of two nodes on the loopback interface, gone when the tests are over."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

_START_SECONDS = 150
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def free_ports(count):
    opened = [socket.socket() for _ in range(count)]
    try:
        for one in opened:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in opened]
    finally:
        for one in opened:
            one.close()


class RayCluster:
    """Two nodes of one processor each, both on this machine, without usage statistics."""

    def __init__(self):
        # Sockets lie in it, whose paths are at most about a hundred characters.
        self.folder = Path(tempfile.mkdtemp(prefix="ray"))
        gcs, self.dashboard, client, *agents = free_ports(7)
        self.address = f"http://127.0.0.1:{self.dashboard}"
        self._processes = []
        head = [
            "--head", f"--port={gcs}", "--dashboard-host=127.0.0.1",
            f"--dashboard-port={self.dashboard}", f"--ray-client-server-port={client}",
            f"--temp-dir={self.folder}",
        ]  # fmt: skip
        try:
            self._start("head", *head, *self._ports(agents[:2]))
            self._wait(lambda: len(self.nodes()) == 1)
            self._start("second", f"--address=127.0.0.1:{gcs}", *self._ports(agents[2:]))
            self._wait(lambda: len(self.nodes()) == 2)
        except BaseException:
            self.stop()
            raise

    def _ports(self, ports):
        listen, grpc = ports
        return (f"--dashboard-agent-listen-port={listen}", f"--dashboard-agent-grpc-port={grpc}")

    def _start(self, name, *options):
        environment = {
            **os.environ,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_DEDUP_LOGS": "0",
            "CUDA_VISIBLE_DEVICES": "",
        }
        command = [
            sys.executable, "-m", "ray.scripts.scripts", "start", *options, "--block",
            "--node-ip-address=127.0.0.1", "--num-cpus=1", "--object-store-memory=100000000",
            "--disable-usage-stats",
        ]  # fmt: skip
        with (self.folder / f"{name}.log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=environment, start_new_session=True,
                )
            )  # fmt: skip

    def nodes(self):
        """The nodes that live, as the dashboard shows them."""
        try:
            with _DIRECT.open(f"{self.address}/nodes?view=summary", timeout=5) as answer:
                shown = json.load(answer)["data"]["summary"]
        except (OSError, ValueError):
            return []
        return [node for node in shown if node["raylet"].get("state") == "ALIVE"]

    def _wait(self, condition):
        deadline = time.monotonic() + _START_SECONDS
        while not condition():
            for process in self._processes:
                assert process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.3)

    def log(self):
        return "\n".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))

    def stop(self):
        """End the processes that were started here and all that these have started."""
        family = []
        for process in self._processes:
            if process.poll() is None:
                family += psutil.Process(process.pid).children(recursive=True)
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for one in family:
            if one.is_running():
                one.kill()
        psutil.wait_procs(family, timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)
