"""The driver of a spread training: `python -m tunectl.server.on_ray.spread JOBDIR WORD…`.

It runs as the entrypoint of one submission, holds the job's lock, reserves one bundle on each of
so many nodes, starts a rank in each, and ends as they end. It trains nothing itself. Between its
first look at the job and the start of rank 0, and after the end of all ranks, it writes the status.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.server.jobs import EXIT_FAILED, EXIT_SUCCEEDED, TERMINAL, JobFolder
from tunectl.server.on_ray.rank import Rank
from tunectl.server.on_ray.settings import RaySettings, parse
from tunectl.server.runner import begin, loading, stopped_early
from tunectl.server.trainers.ranks import failure_of

EXIT_LOST = 7
"""A node or a rank was lost: another attempt resumes."""

_POLL = 0.5
_TOLD_AFTER = 15.0  # seconds without enough nodes after which the job's events say so
_LAST_STEP = 60.0  # seconds that ranks have to end after one of them has
_PLACING = 300.0  # seconds for the actors of reserved nodes to answer


@dataclass
class Ended:
    """Whether this driver was told to end; Ray kills it seconds after."""

    told: bool = False

    def __call__(self, _number: int, _frame: object) -> None:
        """Take a SIGTERM."""
        self.told = True


def main(arguments: Sequence[str]) -> int:
    """Spread the job's training over nodes; returns the exit code of the process."""
    job, settings = JobFolder(Path(arguments[0]).resolve()), parse(arguments[1:])
    code, _locks = begin(job, queue=False)
    if code is not None:
        return code
    ended = Ended()
    signal.signal(signal.SIGTERM, ended)
    import ray

    ray.init(address="auto", log_to_driver=False, configure_logging=False)
    try:
        with reserved(job, settings) as group:
            return (
                stopped_early(job) or EXIT_LOST
                if group is None
                else run(job, settings, group, ended)
            )
    finally:
        ray.shutdown()


@contextmanager
def reserved(job: JobFolder, settings: RaySettings) -> Iterator[Any]:
    """Hold one bundle on each of the nodes; None when the job is to stop before they are there."""
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    bundle = {"CPU": settings.cpus, "GPU": settings.gpus, **settings.resources}
    bundle = {name: amount for name, amount in bundle.items() if amount} or {"CPU": 0.001}
    group = placement_group([bundle] * settings.workers, strategy="STRICT_SPREAD")
    try:
        job.write_status(state="queued")
        ready, began, told = group.ready(), time.monotonic(), False
        while not ray.wait([ready], timeout=_POLL)[0]:
            if job.wants_cancel() or job.wants_pause():
                yield None
                return
            if not told and time.monotonic() - began > _TOLD_AFTER:
                told = True
                job.event(_waiting(settings, bundle), level="warn")
        loading(job)
        yield group
    finally:
        remove_placement_group(group)


def _waiting(settings: RaySettings, bundle: dict[str, float]) -> str:
    import ray

    alive = [node for node in ray.nodes() if node["Alive"]]
    fit = sum(all(n["Resources"].get(k, 0) >= v for k, v in bundle.items()) for n in alive)
    wanted = ", ".join(f"{name} {amount:g}" for name, amount in bundle.items())
    return (
        f"Waiting for {settings.workers} nodes with {wanted} each: the cluster has {len(alive)} "
        f"nodes, of which {fit} are large enough"
    )


def run(job: JobFolder, settings: RaySettings, group: Any, ended: Ended) -> int:  # noqa: ANN401
    """Start the ranks and wait for them; returns the exit code of the process."""
    import ray
    from ray.exceptions import RayError

    try:
        ranks = _placed(job, settings, group)
        blind = [n for n, sees in enumerate(_all(ranks, "sees_folder")) if not sees]
        if blind:
            return _blind(job, len(blind))
        host, port = ray.get(ranks[0].meeting_point.remote(), timeout=_PLACING)
        threads = max(1, int(settings.cpus))
        _all(ranks, "begin", str(job.recipe()["trainer"]), host, port, threads)
        codes = _ended(ranks, lambda: ended.told)
    except RayError as error:
        # The actors end with this driver, and their trainers with them.
        sys.stderr.write(f"a node was lost: {error}\n")
        return EXIT_LOST
    return _verdict(job, codes)


def _placed(job: JobFolder, settings: RaySettings, group: Any) -> list[Any]:  # noqa: ANN401
    import ray
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    actor = ray.remote(Rank)
    return [
        actor.options(
            num_cpus=settings.cpus,
            num_gpus=settings.gpus,
            resources=dict(settings.resources) or None,
            max_restarts=0,
            scheduling_strategy=PlacementGroupSchedulingStrategy(
                placement_group=group, placement_group_bundle_index=index
            ),
        ).remote(str(job.path), index, settings.workers)
        for index in range(settings.workers)
    ]


def _all(ranks: list[Any], method: str, *arguments: object) -> list[Any]:
    import ray

    calls = [getattr(rank, method).remote(*arguments) for rank in ranks]
    found: list[Any] = ray.get(calls, timeout=_PLACING)
    return found


def _ended(ranks: list[Any], told: Callable[[], bool]) -> list[int | None]:
    """Wait until all ranks have ended; when one has, the others get the time of a last step."""
    deadline, passed_on = None, False
    while True:
        codes: list[int | None] = _all(ranks, "code")
        if None not in codes:
            return codes
        if deadline is None and any(code is not None for code in codes):
            deadline = time.monotonic() + _LAST_STEP
        if deadline is not None and time.monotonic() > deadline:
            return codes
        if told() and not passed_on:
            passed_on = True
            _all(ranks, "tell")
        time.sleep(_POLL)


def _blind(job: JobFolder, count: int) -> int:
    text = (
        f"{count} of the nodes do not see the job's folder `{job.path}`; the server's folder "
        "(`root:`) must lie on a filesystem that all nodes share, at the same path"
    )
    job.event(text, level="error")
    job.finish("failed", error={"code": "server_error", "message": text, "param": None})
    return EXIT_FAILED


def _verdict(job: JobFolder, codes: list[int | None]) -> int:
    """Return what the ranks say together: rank 0's word, or the failure that another one met."""
    sys.stderr.write(f"exit codes of the ranks: {codes}\n")
    if job.status()["state"] in TERMINAL or job.status()["state"] == "paused":
        return codes[0] or EXIT_SUCCEEDED
    error = failure_of(job, len(codes)) if EXIT_FAILED in codes else None
    if error is None:
        return next((code for code in codes if code), EXIT_LOST)
    job.event(f"The job failed: {error['message']}", level="error", data={"error": error})
    job.finish("failed", error=error)
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
