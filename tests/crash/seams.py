"""The points of a process: every durable or remote action, seen from below and numbered.

Nothing in the product knows of this. The functions of the operating system through which a
process writes, renames, syncs, locks, sends and receives are wrapped in the forked child; a point
is (the place in the code, what it does to what, before or after), and its number among its like.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_REQUEST = re.compile(rb"(GET|POST|PUT|DELETE) (\S+) HTTP/1\.1\r\n")
_IDS = (
    (re.compile(r"\?.*"), ""),
    (re.compile(r"ftjob-\w+"), "{job}"),
    (re.compile(r"file-\w+"), "{file}"),
    (re.compile(r"/models/ft.*"), "/models/{model}"),
)
_RANDOM = (
    (re.compile(r"\.\d+\.[0-9a-f]{8}\.tmp$"), ".*.tmp"),
    (re.compile(r"\.[0-9a-f]{12,16}\.tmp$"), ".*.tmp"),
    (re.compile(r"\.\d+\.tmp$"), ".*.tmp"),
    (re.compile(r"\.\d{8}T\d+\.[0-9a-f]{8}$"), ".*"),
    (re.compile(r"rows/[0-9a-f.-]{32,}"), "rows/*"),
    (re.compile(r"\.rows-[0-9a-f]{32,}"), ".rows-*"),
)


def die() -> None:
    """End as nothing can prevent: no handler runs, no buffer is written, no lock is let go."""
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()


@dataclass
class Points:
    """The points a process has passed, and the one at which it dies.

    Attributes:
        folders: what lies in them counts.
        armed: the point (name, number from 1) at which to die.
        kill_at: die at the so-many-th point, whatever it is.
        requests: of each connection what is asked, whether an answer came, whether a body went.
    """

    folders: tuple[str, ...]
    armed: tuple[str, int] | None = None
    kill_at: int | None = None
    passed: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    requests: dict[int, list[Any]] = field(default_factory=dict)
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, name: str) -> bool:
        """Count a point; tells whether the process shall die here."""
        with self._mutex:
            self.counts[name] += 1
            self.passed.append(name)
            chosen = self.armed == (name, self.counts[name])
            return chosen or len(self.passed) == self.kill_at

    def cross(self, name: str) -> None:
        """Count a point and die when it is the chosen one."""
        if self.reach(name):
            die()

    def label(self, path: str) -> str | None:
        """Return what to call a path, None when it is not of the project."""
        path = os.path.abspath(path)
        for folder in self.folders:
            if path.startswith(folder + "/"):
                text = path[len(folder) + 1 :]
                for pattern, plain in _RANDOM:
                    text = pattern.sub(plain, text)
                return text
        return None

    def opened(self, descriptor: int) -> str | None:
        """Return what to call the file behind a descriptor."""
        try:
            return self.label(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:
            return None


# Every request passes through it: what matters is who asks.
_PACED = "tunectl.providers.paced_clients"


def place() -> str:
    """Return the nearest function of the product on the stack."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("tunectl.") and module != _PACED:
            return f"{module.removeprefix('tunectl.')}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "?"


def _entry(data: bytes) -> str:
    """Return what a line of the journal says, in words that are the same in every run."""
    try:
        tree = json.loads(bytes(data).splitlines()[-1])["entry"]
    except (ValueError, KeyError, IndexError):
        return ""
    text = json.dumps(tree)
    words = [str(tree.get("kind") or tree.get("type") or next(iter(tree), ""))]
    words += re.findall(r'"action": "(\w+)"', text)[:1]
    words += re.findall(r'"address": "([\w.]+)', text)[:1]
    return " [" + " ".join(words) + "]"


def install(points: Points) -> None:
    """Wrap what touches disk and network, for the rest of this process."""
    _wrap_paths(points)
    _wrap_descriptors(points)
    _wrap_write(points)
    _watch_opens(points)
    _wrap_sockets(points)
    _wrap_processes(points)


def _both(points: Points, name: str, real: Callable[..., Any], *args: Any, **more: Any) -> Any:
    points.cross(f"{name}: before")
    done = real(*args, **more)
    points.cross(f"{name}: after")
    return done


def _wrap_paths(points: Points) -> None:
    def wrap(op: str, at: int) -> None:
        real = getattr(os, op)

        def wrapped(*args: Any, **more: Any) -> Any:
            label = points.label(os.fspath(args[at])) if not isinstance(args[at], int) else None
            if label is None:
                return real(*args, **more)
            return _both(points, f"{place()} {op} {label}", real, *args, **more)

        setattr(os, op, wrapped)

    for op, at in (("rename", 1), ("replace", 1), ("link", 1), ("unlink", 0), ("mkdir", 0)):
        wrap(op, at)


def _wrap_descriptors(points: Points) -> None:
    def wrap(module: Any, op: str) -> None:
        real = getattr(module, op)

        def wrapped(descriptor: Any, *args: Any) -> Any:
            number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
            label = points.opened(number)
            if label is None:
                return real(descriptor, *args)
            return _both(points, f"{place()} {op} {label}", real, descriptor, *args)

        setattr(module, op, wrapped)

    for op in ("fsync", "fdatasync", "ftruncate", "pwrite"):
        wrap(os, op)
    wrap(fcntl, "flock")
    real_close = os.close

    def close(descriptor: int) -> None:
        label = points.opened(descriptor)
        if label is not None and label.endswith((".lock", ".swap")):
            _both(points, f"{place()} unlock {label}", real_close, descriptor)
        else:
            real_close(descriptor)

    os.close = close


def _wrap_write(points: Points) -> None:
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        label = points.opened(descriptor)
        if label is None:
            return real(descriptor, data)
        said = _entry(data) if label.endswith(".journal") else ""
        name = f"{place()} write {label}{said}"
        points.cross(f"{name}: before")
        if points.reach(f"{name}: torn"):
            real(descriptor, data[: len(data) // 2])
            die()
        done = real(descriptor, data)
        points.cross(f"{name}: after")
        return done

    os.write = write


def _watch_opens(points: Points) -> None:
    """Files that Python opens for writing: what is written there goes past `os.write`."""
    writing = os.O_WRONLY | os.O_RDWR

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(args[0], str | os.PathLike):
            return
        if isinstance(args[2], int) and args[2] & writing:
            label = points.label(os.fspath(args[0]))
            if label is not None:
                points.cross(f"{place()} open {label}: before")

    sys.addaudithook(hook)
    real = Path.write_bytes

    def write_bytes(self: Path, data: bytes) -> int:
        label = points.label(str(self))
        if label is None:
            return real(self, data)
        name = f"{place()} write {label}"
        if points.reach(f"{name}: torn"):
            real(self, data[: len(data) // 2])
            die()
        done = real(self, data)
        points.cross(f"{name}: after")
        return done

    Path.write_bytes = write_bytes


def _wrap_processes(points: Points) -> None:
    real = subprocess.Popen.__init__

    def start(self: Any, *args: Any, **more: Any) -> None:
        if not place().startswith("providers.local."):
            real(self, *args, **more)  # a library asks the system something, once
            return
        _both(points, f"{place()} start a process", real, self, *args, **more)

    subprocess.Popen.__init__ = start


def _wrap_sockets(points: Points) -> None:
    base: Any = socket.socket

    def sending(op: str) -> None:
        real = getattr(base, op)

        def wrapped(self: socket.socket, data: Any, *flags: int) -> Any:
            name = _piece(points, self, bytes(data))
            if name is None:
                return real(self, data, *flags)
            points.cross(f"{name}: before")
            # Half a question changes nothing; half of what makes something must not, either.
            if " GET " not in name and points.reach(f"{name}: torn"):
                real(self, data[: len(data) // 2], *flags)
                die()
            return real(self, data, *flags)

        setattr(base, op, wrapped)

    def receiving(op: str) -> None:
        real = getattr(base, op)

        def wrapped(self: socket.socket, *args: Any) -> Any:
            asked = points.requests.get(self.fileno())
            if asked is None or asked[1]:
                return real(self, *args)
            asked[1] = True
            select.select([self], [], [], self.gettimeout())
            points.cross(f"{asked[0]}: answered, unread")
            done = real(self, *args)
            points.cross(f"{asked[0]}: answer read")
            return done

        setattr(base, op, wrapped)

    sending("send")
    sending("sendall")
    receiving("recv")
    receiving("recv_into")


def _piece(points: Points, sock: socket.socket, data: bytes) -> str | None:
    """Return what to call a piece of a request, None for what is no request of the product."""
    if sock.family != socket.AF_INET:
        return None
    begins = _REQUEST.match(data)
    if begins is None:
        asked = points.requests.get(sock.fileno())
        if asked is None or asked[2]:
            return None  # in how many pieces a body goes out is the HTTP library's affair
        asked[2] = True
        return f"{asked[0]}, body"
    method, path = begins.group(1).decode(), begins.group(2).decode()
    for pattern, plain in _IDS:
        path = pattern.sub(plain, path)
    points.requests[sock.fileno()] = [f"{place()} {method} {path}", False, False]
    return f"{place()} {method} {path}, head"
