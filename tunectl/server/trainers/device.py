"""On what a training runs: device, number format, threads; found out, or told by the recipe."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


class DeviceError(Exception):
    """The recipe asks for a device or number format that this machine does not have."""


@dataclass(frozen=True)
class Device:
    """`kind` is cpu, cuda or mps; `dtype` the format of the frozen base; `threads` on the CPU."""

    kind: str
    dtype: str
    threads: int

    @property
    def token_budget(self) -> int:
        """Most tokens, padding included, in one forward pass: it bounds memory, not the batch."""
        return 2048 if self.kind != "cuda" else 16384

    @property
    def checkpoint_steps(self) -> int:
        """Steps between checkpoints: seconds to a minute of work at most."""
        return 5 if self.kind != "cuda" else 50


def physical_cores() -> int:
    """Cores this process may use: physical ones, within its affinity and its container's quota.

    Two threads on the two halves of one core only slow each other down.
    """
    allowed = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        allowed = len(os.sched_getaffinity(0))
    cores = min(_physical() or allowed, allowed)
    quota = _container_quota()
    return max(1, min(cores, quota) if quota else cores)


def granted_threads() -> int | None:
    """Threads that whoever starts us grants (`OMP_NUM_THREADS`); None without a word of it."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else None


def _physical() -> int | None:
    """Physical cores as Linux lists them; None elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    package, cores = "0", set()
    for line in text.splitlines():
        key, _, value = (part.strip() for part in line.partition(":"))
        if key == "physical id":
            package = value
        elif key == "core id":
            cores.add((package, value))
    return len(cores) or None


def _container_quota() -> int | None:
    """Whole cores that the cgroup (version 2) grants, or None without a limit."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return None
    return None if limit == "max" else max(1, round(int(limit) / int(period)))


def choose_device(kind: str | None, dtype: str | None, threads: int | None) -> Device:
    """The device of a training: cuda, then mps, then cpu, unless the recipe says.

    bf16 only on cuda that supports it: on CPUs without bf16 units it is 6 to 9 times slower than
    fp32 (measured 2026-11-22).

    Raises:
        DeviceError: the recipe asks for what is not there.
    """
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if kind is None:
        kind = next((name for name in ("cuda", "mps") if present[name]), "cpu")
    if kind not in {"cpu", "cuda", "mps"}:
        raise DeviceError(f"unknown device `{kind}`; devices are `cpu`, `cuda` and `mps`")
    if not present.get(kind, True):
        raise DeviceError(f"this machine has no device `{kind}`; leave `device` out to use the CPU")
    if dtype is None:
        dtype = "bfloat16" if kind == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    if dtype not in {"float32", "bfloat16"}:
        raise DeviceError(f"unknown dtype `{dtype}`; use `float32` or `bfloat16`")
    return Device(kind, dtype, threads or granted_threads() or physical_cores())
