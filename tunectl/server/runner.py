"""The runner: `python -m tunectl.server.runner JOBDIR` takes the lock, waits, becomes the trainer.

With `--no-queue` it does not wait: whoever started it has given the job a place to run.

It holds the job's lock from its first moment; it validates the files once, queues for the machine's
one training slot (first come, first served), and then replaces itself by the trainer, which
inherits both locks. The kernel frees them on any death, so no process id is ever trusted.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tunectl.server.folder import take_lock
from tunectl.server.jobs import (
    EXIT_CANCELLED,
    EXIT_FAILED,
    EXIT_PAUSED,
    EXIT_SUCCEEDED,
    TERMINAL,
    JobFolder,
)
from tunectl.server.trainers import MODULES
from tunectl.server.validate import MIN_EXAMPLES, check_job

_LOCK_PATIENCE = 2.0  # a reader's probe holds the lock for an instant; that must not turn us away
# A node that has lost the cluster may still be ending its trainer when another one takes over.
_CLUSTER_PATIENCE = 60.0
_POLL = 0.1


def run(job: JobFolder, *, queue: bool = True) -> int:
    """Bring `job` to its trainer; returns an exit code only where there is nothing to train."""
    code, locks = begin(job, queue=queue)
    if code is not None:
        return code
    for descriptor in locks:
        os.set_inheritable(descriptor, True)
    module = MODULES[job.recipe()["trainer"]]
    sys.stdout.flush()
    sys.stderr.flush()
    return os.execv(sys.executable, [sys.executable, "-P", "-m", module, str(job.path)])  # noqa: S606


def begin(job: JobFolder, *, queue: bool = True) -> tuple[int | None, tuple[int, ...]]:
    """Lock `job`, validate its files and wait for its turn.

    Args:
        job: its folder.
        queue: wait for this machine's training slot; a cluster has given the job its place.

    Returns:
        The exit code where there is nothing to train, else None; and the locks that are held.
    """
    lock = take_lock(job.lock, wait=_LOCK_PATIENCE if queue else _CLUSTER_PATIENCE)
    if lock is None:
        print(f"job `{job.id}` already has a trainer", file=sys.stderr)
        return EXIT_SUCCEEDED, ()
    if job.status()["state"] in TERMINAL:
        return EXIT_SUCCEEDED, (lock,)
    code = stopped_early(job)
    if code is None and not job.status().get("validated"):
        code = _validate(job)
    if code is not None:
        return code, (lock,)
    if not queue:
        loading(job)
        return None, (lock,)
    job.write_status(state="queued", pid=os.getpid())
    slot = _wait_for_slot(job)
    if slot is None:
        return stopped_early(job) or EXIT_CANCELLED, (lock,)
    loading(job)
    return None, (lock, slot)


def loading(job: JobFolder) -> None:
    """Say that the trainer begins; the caller holds the job's lock."""
    started = job.status().get("started_at") or int(time.time())
    job.write_status(state="loading", pid=os.getpid(), started_at=started)


def _validate(job: JobFolder) -> int | None:
    meta = job.meta()
    job.write_status(state="validating_files", pid=os.getpid())
    job.event(f"Validating training file: {meta.get('training_file')}")
    if meta.get("validation_file"):
        job.event(f"Validating validation file: {meta.get('validation_file')}")
    recipe = job.recipe()
    problem = check_job(
        job.training,
        job.validation if job.validation.exists() else None,
        method=str((recipe.get("method") or {}).get("type", "supervised")),
        least=int(recipe.get("least_rows", MIN_EXAMPLES)),
        byte_order_mark=bool(recipe.get("byte_order_mark")),
    )
    if problem is not None:
        job.event(problem["message"], level="error")
        job.finish("failed", error=problem)
        return EXIT_FAILED
    job.write_status(validated=True)
    job.event("Files validated, moving job to queued state")
    return stopped_early(job)


def stopped_early(job: JobFolder) -> int | None:
    """Honour a control file before training began; cancel wins over pause."""
    if job.wants_cancel():
        job.finish("cancelled")
        job.event("Fine-tuning job cancelled")
        return EXIT_CANCELLED
    if job.wants_pause():
        job.write_status(state="paused")
        job.event("Fine-tuning job paused")
        return EXIT_PAUSED
    return None


def _wait_for_slot(job: JobFolder) -> int | None:
    """Queue for the slot in order of creation; None when the job is to stop instead."""
    root = job.root
    ticket = root.queue / f"{int(job.recipe().get('created_ns', 0)):020d}.{job.id}"
    ticket.touch()
    try:
        while not (job.wants_cancel() or job.wants_pause()):
            if not _somebody_before(job, ticket):
                slot = take_lock(root.slot_lock)
                if slot is not None:
                    return slot
            time.sleep(_POLL)
        return None
    finally:
        ticket.unlink(missing_ok=True)


def _somebody_before(job: JobFolder, ticket: Path) -> bool:
    """Tell whether a living runner holds an older ticket; a dead one's ticket is skipped."""
    older = sorted(path for path in ticket.parent.iterdir() if path.name < ticket.name)
    return any(JobFolder(job.root.jobs / path.name.partition(".")[2]).alive() for path in older)


if __name__ == "__main__":
    sys.exit(run(JobFolder(Path(sys.argv[1]).resolve()), queue="--no-queue" not in sys.argv[2:]))
