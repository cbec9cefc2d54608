"""OpenAI's wire, once: handlers for every service with `/files` and `/fine_tuning/jobs`.

May: turn a settled spec into a request, an answer into an `Instance`, and the SDK's exceptions
into the core's. What differs between services is data, in `profile`.
Never: ask which service it talks to (it reads the profile), keep anything between calls but the
open connection, send a create twice.

The laws of the room
--------------------
- A create is sent once, with the SDK's own retries off: its default would silently buy a second
  job after a timeout, for no idempotency key leaves the SDK (openai 3.54, read 2026-11).
- A definite answer (4xx) is a refusal. A timeout, a 5xx, a torn or senseless answer to something
  that changes the world is `UnknownOutcomeError`; a refused connection is `UnavailableError`.
- Where a service may drop marks, a job is told by the files it names (`alike`), or not at all.
- "Gone" is a 404 on the object itself and nothing else.
- A key is read from the environment when it is needed and appears in no record, error or log.
"""
