"""One training on several machines: each step's examples are dealt out, gradients are summed.

The laws:

- **The same training.** The gradient of a batch is a sum over its examples, divided by the learned
  tokens of the whole batch, which every rank knows. So the batch does not grow with the ranks, and
  the losses are those of one process but for the order of additions.
- **One exchange a step.** Gradients, losses and requests to stop travel in one sum. Were the stop
  decided by each rank alone, one would end and the others would wait for it for ever.
- **Only rank 0 writes** status, events, checkpoints and the adapter; the others are witnesses.

Who we are comes from the environment, in the names that torch's launchers use: `RANK`,
`WORLD_SIZE`, `LOCAL_RANK`, `MASTER_ADDR`, `MASTER_PORT`. Without them there is one process, and
nothing here costs anything. On processors the ranks talk by gloo, on CUDA by NCCL.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunectl.server.folder import read_json, take_lock, write_json
from tunectl.server.jobs import JobFolder
from tunectl.server.trainers.encode import Example
from tunectl.server.trainers.failure import JobError, is_out_of_memory

if TYPE_CHECKING:
    import torch

REASONS = ("cancel", "pause", "terminate")
"""Why a training may be asked to stop; the earlier wins where ranks saw different requests."""

WATCHED = "TUNECTL_STDIN_IS_LIFE"
"""Set by who starts a rank and holds its standard input: when that closes, the rank ends."""

EXIT_ORPHANED = 6
_EXCHANGE = timedelta(hours=1)  # rank 0 may validate and save meanwhile
_GATHER = timedelta(minutes=5)
_LEADER_PATIENCE = 60.0  # seconds: how long the rank 0 of an attempt that is over may take to end


class PeerLostError(Exception):
    """Another rank is gone; the job goes on from its newest checkpoint in another attempt."""


@dataclass(frozen=True)
class Place:
    """Which of how many ranks this process is, and the how-manieth on its machine."""

    rank: int = 0
    size: int = 1
    local: int = 0


def place(environment: Mapping[str, str]) -> Place:
    """Return the place of this process.

    Raises:
        ValueError: the variables are no numbers, or contradict each other.
    """
    found = Place(
        int(environment.get("RANK", "0")),
        int(environment.get("WORLD_SIZE", "1")),
        int(environment.get("LOCAL_RANK", "0")),
    )
    if not 0 <= found.rank < found.size:
        raise ValueError(f"`RANK` is {found.rank}, which is no rank of {found.size}")
    return found


@dataclass(frozen=True)
class Witness(JobFolder):
    """A job as a rank above 0 sees it: to be read. Its own end it tells in a file of its own."""

    rank: int = 1

    def write_status(self, **changes: object) -> dict[str, Any]:
        """Write nothing; return the status as rank 0 wrote it."""
        del changes
        return self.status()

    def event(
        self,
        message: str,
        *,
        level: str = "info",
        type: str = "message",  # noqa: A002 -- the wire's own name
        data: dict[str, Any] | None = None,
    ) -> None:
        """Tell the log of this rank, not the job's events; a step's metrics are told by rank 0."""
        del data
        if type == "message":
            sys.stderr.write(f"rank {self.rank}, {level}: {message}\n")

    def finish(self, state: str, *, error: dict[str, Any] | None = None) -> None:
        """Leave the reason of a failure for the one that holds the job's lock."""
        if error is not None:
            write_json(rank_file(self, self.rank), {"state": state, "error": error})


def rank_file(job: JobFolder, rank: int) -> Path:
    """Return where a rank above 0 leaves the reason of its failure."""
    return job.path / f"rank-{rank}.json"


def failure_of(job: JobFolder, size: int) -> dict[str, Any] | None:
    """Return the wire's error that a rank above 0 has left, None when none has."""
    found = (read_json(rank_file(job, rank)) for rank in range(1, size))
    return next((said["error"] for said in found if said is not None), None)


class Alone:
    """A training in one process."""

    rank = 0
    size = 1
    leader = True

    def __init__(self, stop: Callable[[], str | None]) -> None:
        """Ask `stop` before each step."""
        self.stop = stop

    def share(self, batch: list[Example]) -> list[Example]:
        """Return the examples that this rank computes."""
        return batch

    def exchange(
        self, parameters: Sequence[torch.nn.Parameter], total: float, right: int
    ) -> tuple[float, int]:
        """Return loss and hits summed over all ranks; the gradients are summed in place."""
        del parameters
        return total, right

    def align(self, parameters: Sequence[torch.nn.Parameter], done: int) -> None:
        """Make all ranks begin from the same weights."""


class Ranks(Alone):
    """One rank of several; all of them call the same methods in the same order."""

    def __init__(self, where: Place, asked: Callable[[], str | None], kind: str) -> None:
        """Meet the others.

        Args:
            where: which rank this is.
            asked: looked at once a step; what any rank sees stops all.
            kind: `cpu` or `cuda`.

        Raises:
            PeerLostError: they did not come.
            JobError: this kind of device cannot talk to others.
        """
        super().__init__(self.decided)
        import torch.distributed as dist

        if kind not in {"cpu", "cuda"}:
            raise JobError("invalid_device", f"`{kind}` cannot share a training", "device")
        self.rank, self.size, self.leader = where.rank, where.size, where.rank == 0
        self._asked = asked
        self._reason: str | None = None
        try:
            dist.init_process_group(
                "nccl" if kind == "cuda" else "gloo",
                store=dist.TCPStore(
                    os.environ["MASTER_ADDR"],
                    int(os.environ["MASTER_PORT"]),
                    where.size,
                    is_master=self.leader,
                    timeout=_GATHER,
                ),
                rank=where.rank,
                world_size=where.size,
                timeout=_EXCHANGE,
            )
        except KeyError as cause:
            raise JobError("server_error", f"{cause} is not set, but `RANK` is") from cause
        except (RuntimeError, ValueError) as cause:
            raise PeerLostError(f"the {where.size} ranks did not meet: {cause}") from cause

    def decided(self) -> str | None:
        """Return why all ranks stop now, as the last exchange has it; None to go on."""
        return self._reason

    def share(self, batch: list[Example]) -> list[Example]:
        """Return every `size`-th example; a rank may get none of a small batch."""
        return batch[self.rank :: self.size]

    def exchange(
        self, parameters: Sequence[torch.nn.Parameter], total: float, right: int
    ) -> tuple[float, int]:
        """Sum gradients, loss, hits and requests to stop over all ranks, in one call.

        A rank without an example has no gradients and adds zeros.

        Raises:
            PeerLostError: a rank is gone.
        """
        import torch

        asked = self._asked()
        flags = [float(asked == reason) for reason in REASONS]
        parts = [
            (torch.zeros_like(p) if p.grad is None else p.grad).float().reshape(-1)
            for p in parameters
        ]
        tail = torch.tensor([total, float(right), *flags], dtype=torch.float32)
        buffer = torch.cat([*parts, tail.to(parts[0].device)])
        self._sum(buffer)
        at = 0
        for parameter in parameters:
            size = parameter.numel()
            part = buffer[at : at + size].view_as(parameter).to(parameter.dtype)
            parameter.grad = part.clone()
            at += size
        loss, hits, *seen = buffer[at:].tolist()
        self._reason = next((r for r, flag in zip(REASONS, seen, strict=True) if flag), None)
        return float(loss), round(hits)

    def align(self, parameters: Sequence[torch.nn.Parameter], done: int) -> None:
        """Take the weights of rank 0, and make sure that all resume from the same step.

        Raises:
            PeerLostError: a rank is gone, or has read another checkpoint.
        """
        import torch
        import torch.distributed as dist

        where = parameters[0].device
        steps = torch.tensor([done, -done], dtype=torch.float32, device=where)
        try:
            dist.all_reduce(steps, op=dist.ReduceOp.MAX)
            for parameter in parameters:
                dist.broadcast(parameter.data, src=0)
        except RuntimeError as cause:
            raise PeerLostError(str(cause)) from cause
        most, least = int(steps[0]), -int(steps[1])
        if most != least:
            raise PeerLostError(
                f"one rank resumes from step {least}, another from step {most}: "
                "the machines do not see the same folder yet"
            )

    def _sum(self, buffer: torch.Tensor) -> None:
        import torch.distributed as dist

        try:
            dist.all_reduce(buffer)
        except RuntimeError as cause:
            if is_out_of_memory(cause):
                raise
            raise PeerLostError(f"a rank is gone: {str(cause).splitlines()[0]}") from cause


def join(where: Place, asked: Callable[[], str | None], kind: str) -> Alone:
    """Return the group of this process: alone, or as one of several ranks.

    Raises:
        PeerLostError: the others did not come.
        JobError: this kind of device cannot talk to others.
    """
    if where.size == 1:
        return Alone(asked)
    if kind == "cuda":
        import torch

        torch.cuda.set_device(where.local)
    return Ranks(where, asked, kind)


def seen_by(job: JobFolder, where: Place) -> JobFolder:
    """Return the job as this rank may use it: only rank 0 writes."""
    if not where.rank:
        return job
    rank_file(job, where.rank).unlink(missing_ok=True)
    return Witness(job.path, where.rank)


def lead(job: JobFolder, where: Place) -> None:
    """Make sure that this is the only rank 0; the lock is held until the process ends.

    Raises:
        PeerLostError: the rank 0 of an earlier attempt is still at work.
    """
    if where.rank or where.size == 1:
        return
    if take_lock(job.path / "leader.lock", wait=_LEADER_PATIENCE) is None:
        raise PeerLostError("the rank 0 of an earlier attempt is still at work")


def end_with_parent(environment: Mapping[str, str]) -> None:
    """End this process at once when the one that started it is gone, however that ended.

    It holds our standard input open; nothing is ever written to it. What is half written does not
    count: checkpoints need their mark, files are renamed into place.
    """
    if not environment.get(WATCHED):
        return

    def watch() -> None:
        while os.read(0, 1):
            pass
        sys.stderr.write("the process that started this rank is gone\n")
        sys.stderr.flush()
        os._exit(EXIT_ORPHANED)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True, name="parent").start()
