"""One rank of a spread training: an actor on a node, and the trainer that is its child.

The trainer is a process of its own, as everywhere else. Its standard input is held open by the
actor; when that is gone, however it ended, the trainer ends, too.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tunectl.server.trainers import MODULES
from tunectl.server.trainers.ranks import WATCHED

_INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")


class Rank:
    """Runs in an actor of Ray; its methods are called from the driver."""

    def __init__(self, folder: str, rank: int, size: int) -> None:
        self._folder, self._rank, self._size = Path(folder), rank, size
        self._child: subprocess.Popen[bytes] | None = None

    def sees_folder(self) -> bool:
        """Tell whether this node sees the job."""
        return (self._folder / "job.json").is_file()

    def meeting_point(self) -> tuple[str, int]:
        """Return this node's address and a free port on it."""
        address = self._address()
        with socket.socket() as free:
            free.bind((address, 0))
            return address, int(free.getsockname()[1])

    def begin(self, trainer: str, host: str, port: int, threads: int) -> None:
        """Start the trainer; rank 0 writes to the job's log, the others to `log.rank-N`."""
        environment = {
            **os.environ,
            **dict.fromkeys(_INTERFACES, interface_of(self._address())),
            **{name: os.environ[name] for name in _INTERFACES if name in os.environ},
            "RANK": str(self._rank),
            "LOCAL_RANK": "0",
            "WORLD_SIZE": str(self._size),
            "MASTER_ADDR": host,
            "MASTER_PORT": str(port),
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "passive",
            "PYTHONUNBUFFERED": "1",
            WATCHED: "1",
        }
        name = f"log.rank-{self._rank}" if self._rank else "log"
        with (self._folder / name).open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULES[trainer], str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                env={k: v for k, v in environment.items() if v},
            )

    def code(self) -> int | None:
        """Return the exit code of the trainer; None while it runs."""
        return None if self._child is None else self._child.poll()

    def tell(self) -> None:
        """Tell the trainer to end after its step."""
        if self._child is not None and self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)

    def _address(self) -> str:
        from ray.util import get_node_ip_address

        return str(get_node_ip_address())


def interface_of(address: str) -> str:
    """Return the network interface that has an address; empty where none is known.

    Without it gloo takes the one that the host's name resolves to, which on many systems is the
    loopback interface.
    """
    import psutil

    for name, known in psutil.net_if_addrs().items():
        if any(one.address == address for one in known):
            return str(name)
    return ""
