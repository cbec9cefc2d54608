"""Executor `ray`: jobs go to a Ray cluster that exists already, through its Jobs API.

What this room may do: submit a job's runner, or the driver that spreads one training over several
nodes; ask the cluster what became of it; stop it. What it never does: start or stop a cluster,
install anything on it, copy data to it, read results from it.

The laws of the room
--------------------
- **The job folder stays the contract**, so the server's folder lies on a filesystem that every node
  sees at the same path. A node that does not see it says so and fails the job at once.
- **The submission id is `<job id>-<number>`**, written down before it is sent. A cluster refuses an
  id that it knows, so a lost reply or a killed server starts nothing twice; the number grows only
  after the cluster itself has said that the last one is over.
- **Ray's word is life.** A lock on a network filesystem may outlive its holder, or not reach the
  server. A cluster that does not answer says nothing: then nothing is started.
- **Our `cancel` file comes first**: Ray allows a process three seconds after SIGTERM
  (`RAY_JOB_STOP_WAIT_TIME_S`), which is shorter than a training step. It is asked to stop a job
  only when that has not answered for long.
- **Credentials come from the environment alone**: `RAY_AUTH_MODE` and `RAY_AUTH_TOKEN` (or Ray's
  own token file), `RAY_JOB_HEADERS` (JSON) for what a gateway wants, `REQUESTS_CA_BUNDLE`.

Versions: the Jobs API as of Ray 2.60 (read and run 2026-11-22).
"""
