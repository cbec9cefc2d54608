"""The local tuning server: OpenAI's wire over one folder on this machine.

What this room may do: keep uploaded files, run fine-tuning jobs as detached children, answer
chats with base and tuned models, and speak OpenAI's HTTP dialect on the loopback interface.

What it never does: know of YAML, plans, state or any other room. Provider `local` starts this room
as a process and speaks HTTP to it, exactly as it would to a remote service; nothing imports it.

The laws of the room
--------------------
- **The job folder is the contract.** `job.json` is the immutable recipe, `status.json` a *claim*
  that is atomically replaced, `events.jsonl` is append-only, a `checkpoint-N` without its `ok`
  marker does not exist, and the lock held on `lock` is the only proof that a trainer lives; where
  trainers run on a cluster (`on_ray`), the cluster's word counts before it.
- **One writer at a time.** Whoever holds a job's `lock` writes its status; a reader that finds the
  lock free may take it to settle the status, and must let go before it starts a trainer.
- **Every read reconciles.** A job that is not over and whose lock is free is started again from
  its last checkpoint. Three attempts without a new checkpoint in between end it as failed.
- **The trainer is a detached child.** Server and command line may both die; the job goes on.

How a client finds the server
-----------------------------
Command line, which detaches from nothing by itself (start it in a session of its own)::

    python -m tunectl.server --root DIR [--trainer lora|simulated] [--idle SECONDS] [--port N]
                             [--foreground] [--listen HOST:PORT --tls-cert F --tls-key F]
                             [--profile openai|azure|nebius|bedrock-mantle]
                             [--executor process|ray] [--ray KEY=VALUE ...]

With `--executor ray` the folder must lie on a filesystem that all nodes of the cluster share.

With `--profile`, and trainer `simulated` alone, it stands in for a service: it takes, refuses and
names things as that service does (`manners`), so that a project of it can be rehearsed.

Once it listens, `DIR/server.json` holds `{"pid", "port", "url", "version", "started_at",
"trainer"}` and `DIR/token` (mode 0600) the bearer token; `url` ends in `/v1` and is what an OpenAI
client takes as `base_url`. The file may be left over from a killed server, so a client checks
`GET {url}/tunectl/status` with the token. A second server on one folder exits with code 1 and
names the first; so do a taken port and a folder that cannot be written.
"""
