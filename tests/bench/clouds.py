"""The clouds: calls per operation, what connecting costs, and a refresh of many objects.

    python -m tests.bench.clouds [--objects 1000] [--latency 0.05] [--runs 5]

Everything runs on the loopback stand-ins of `tunectl rehearse`. Calls are counted there. The floor
is one call for the account, one for each object that is made, looked at or deleted, and one look
at each job or deployment until it is ready. CPU seconds are of whole processes that connect a
provider and ask it for its account, beside a bare interpreter; medians, kinds in turn. The refresh
is `plan`'s own, against servers that answer each request so much later: by lists, as it is, and
by single reads, as for what no service lists; one after another is measured on a tenth of the
objects.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.cli_cost import cpu_seconds
from tests.e2e.conftest import row
from tunectl.app.connecting import Connector
from tunectl.app.options import Options
from tunectl.app.rehearsing import rehearse
from tunectl.app.rehearsing_stage import Stage, staged
from tunectl.app.workspace import Workspace, open_workspace
from tunectl.core.ports import Connect, Handler, Mark, Provider, Request
from tunectl.core.resource import Instance, Resource
from tunectl.core.state import State
from tunectl.core.value import Address, plain
from tunectl.engine.refresh import observe
from tunectl.engine.run import completed, mint
from tunectl.server.clouds.world import Fault, World

_ROLE = "arn:aws:iam::123456789012:role/tuning"
_ASK = """
import importlib, json, sys
module, _, name = sys.argv[1].partition(":")
getattr(importlib.import_module(module), name)(**json.loads(sys.argv[2])).account()
"""


@dataclass(frozen=True)
class Kind:
    """One provider, with its floors: calls to create, to refresh and to destroy.

    The project has one file, one tuning job and one endpoint.
    """

    provider: str
    base: str
    floors: tuple[int, int, int]
    endpoint: str = ""


KINDS = {
    # account, file, job, look; account, file, job, model; account, model, its checkpoints (3),
    # rows, results
    "openai": Kind("{type: openai}", "gpt-4.1-mini-2025-04-14", (4, 4, 7)),
    # no call for the account, which is in the folder; and an alias
    "local": Kind("{type: local}", "smollm2-135m-instruct", (4, 4, 7)),
    # account, object, job, look; account, object, job, endpoint, model; account, three endpoints
    # to undeploy and to delete, model, object
    "vertex": Kind(
        "{type: vertex, project: acme-ml, location: us-central1, staging: 'gs://acme-rows/x'}",
        "gemini-3.5-flash",
        (4, 5, 9),
    ),
    # account, object, job, look, deployment, look; account, object, job, model, deployment;
    # account, deployment, model, rows, metrics
    "bedrock": Kind(
        f"{{type: bedrock, region: us-east-1, staging: 's3://acme-rows/x', role_arn: '{_ROLE}'}}",
        "amazon.nova-lite-v1:0:300k",
        (6, 5, 5),
        "serving: on_demand",
    ),
}
_PROJECT = """\
project: bench
providers:
  cloud: {provider}
dataset:
  rows: {{source: rows.jsonl}}
tuning_job:
  one: {{base_model: '{base}', data: dataset.rows, lifecycle: {{keep_previous: 0}}}}
endpoint:
  one:
    model: tuning_job.one
    {endpoint}
"""


@contextmanager
def declared(kind: Kind) -> Iterator[Options]:
    """A folder with the project of a kind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        text = _PROJECT.format(provider=kind.provider, base=kind.base, endpoint=kind.endpoint)
        (folder / "tunectl.yaml").write_text(text, encoding="utf-8")
        rows = "\n".join(row(number) for number in range(40))
        (folder / "rows.jsonl").write_text(rows + "\n", encoding="utf-8")
        yield Options(root=folder)


def count_calls() -> None:
    """Print the calls of each operation beside their floors."""
    print("| provider | create | floor | refresh | floor | destroy | floor |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for name, kind in KINDS.items():
        with declared(kind) as options:
            done = rehearse(options, world=World(job_seconds=0, operation_seconds=0))
        assert done.passed, done.failures
        calls = {one.name: sum(one.calls.values()) for one in done.operations}
        counted = (calls["apply"], calls["plan again"], calls["destroy"])
        cells = (str(number) for pair in zip(counted, kind.floors, strict=True) for number in pair)
        print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


def measure_imports(runs: int) -> None:
    """Print what it costs to connect a provider and to ask whose account it is."""
    from tunectl.config.installed import provider_types

    taken: dict[str, list[float]] = {"python -c pass": []}
    for name, kind in KINDS.items():
        with declared(kind) as options, staged(options, World()) as stage:
            project = open_workspace(stage.options).project
            settings = {**project.providers["cloud"].settings, "name": "cloud"}
            type_ = project.providers["cloud"].type
            script = [sys.executable, "-c", _ASK, provider_types()[type_], json.dumps(settings)]
            taken[name] = []
            for _ in range(runs):
                taken["python -c pass"].append(_cpu([sys.executable, "-c", "pass"], options.root))
                taken[name].append(_cpu(script, options.root))
    bare = statistics.median(taken["python -c pass"])
    print(
        f"\n| connect and ask for the account, median of {runs} | CPU s | × bare |\n|---|---|---|"
    )
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        print(f"| `{name}` | {middle:.2f} | {middle / bare:.1f} |", flush=True)


def _cpu(command: list[str], folder: Path) -> float:
    import os

    return cpu_seconds(command, folder, dict(os.environ))


def measure_refresh(objects: int, latency: float) -> None:
    """Print how long `plan` looks at many uploads, and how long it would take one by one."""
    ms = f"{latency * 1000:.0f} ms"
    print(
        f"\n| refresh of {objects:,} uploads, {ms} an answer | calls | s | one by one, s | share |"
    )
    print("|---|---|---|---|---|", flush=True)
    for name, kind in KINDS.items():
        with declared(kind) as options, staged(options, World()) as stage:
            _measure(name, stage, objects, latency)


def _measure(name: str, stage: Stage, objects: int, latency: float) -> None:
    workspace = open_workspace(stage.options)
    state = _many(workspace, objects)
    connect = Connector(workspace.project, state)
    handler = connect("cloud").handlers["upload"]
    some = list(state.instances.values())[: max(1, objects // 10)]
    stage.world.faults.append(Fault("slow", times=10**9, seconds=latency))
    began = time.monotonic()
    seen = [handler.read(one) for one in some]
    alone = (time.monotonic() - began) * objects / len(some)
    assert None not in seen
    before = len(stage.world.calls)
    listed = _seconds(state, connect, objects)
    calls = stage.world.calls[before:]
    read = _seconds(state, lambda name: _Unlisted(connect(name)), objects)
    refused = Counter(call.status for call in stage.world.calls)[429]
    print(
        f"| `{name}` | {len(calls)} | {listed:.2f} | {alone:.1f} | 1/{alone / listed:.0f} "
        f"| {read:.2f} | 1/{alone / read:.0f} |"
        + (f" {refused} refused as too many" if refused else ""),
        flush=True,
    )


def _seconds(state: State, connect: Connect, objects: int) -> float:
    began = time.monotonic()
    found = observe(state, connect)
    seconds = time.monotonic() - began
    assert len(found) == objects
    assert None not in found.values()
    return seconds


class _Reads:
    """A handler that can read and not list."""

    def __init__(self, handler: Handler) -> None:
        self.read = handler.read


class _Unlisted:
    """A provider of such handlers."""

    def __init__(self, provider: Provider) -> None:
        self.account = provider.account
        self.handlers = {kind: _Reads(handler) for kind, handler in provider.handlers.items()}


def _many(workspace: Workspace, count: int) -> State:
    """Make so many uploads of the declared one, and the state that records them."""
    connect = Connector(workspace.project)
    handler, account = connect("cloud").handlers["upload"], connect("cloud").account()
    [upload] = [r for r in workspace.project.resources if r.address.kind == "upload"]
    state, made = workspace.ledger.load(), dict[Address, Instance]()
    for number in range(count):
        one = replace(upload, address=Address.of("upload", "rows", key=str(number)))
        request = _request(one, state, workspace)
        made[one.address] = completed(handler.create(request), request, account)
    return replace(state, instances=made)


def _request(resource: Resource, state: State, workspace: Workspace) -> Request:
    mark = Mark(
        lineage=state.lineage,
        project=state.project,
        env=state.env,
        address=resource.address,
        op=mint(),
    )
    spec = {key: plain(value) for key, value in resource.spec.items()}
    now = datetime.now(UTC)
    return Request(resource=resource, spec=spec, mark=mark, reader=workspace.reader, now=now)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    count_calls()
    measure_imports(given.runs)
    measure_refresh(given.objects, given.latency)


if __name__ == "__main__":
    main()
