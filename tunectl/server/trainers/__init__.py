"""The trainers: each is a program that trains one job folder, `python -m MODULE JOBDIR`.

A trainer inherits the job's lock and the machine's training slot from the runner and holds both
until it ends, so it opens neither. It reads `job.json` and `train.jsonl`, writes status, events,
checkpoints and the adapter through `tunectl.server.jobs.JobFolder`, looks for the control files
before each step, and ends with one of the exit codes of `tunectl.server.jobs`.

What a trainer never does: talk HTTP, look at another job, write outside its folder, fork workers
that would inherit the lock.
"""

MODULES = {
    "lora": "tunectl.server.trainers.lora",
    "simulated": "tunectl.server.trainers.simulated",
}
