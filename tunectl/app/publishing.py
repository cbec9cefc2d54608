"""Outputs: computed from the state an apply left, stored, and written for applications."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

import orjson

from tunectl.core.errors import ConfigError
from tunectl.core.plan import Plan
from tunectl.core.project import Output, Project
from tunectl.core.state import Published, State
from tunectl.core.value import Address, Plain, plain, refs, resolve
from tunectl.engine.run import Run, lookup


def values(outputs: tuple[Output, ...], state: State) -> dict[str, Plain]:
    """Return the outputs whose references all have a value."""
    found: dict[str, Plain] = {}
    for output in outputs:
        done = resolve(output.value, lambda ref: lookup(state.instances, ref))
        try:
            found[output.name] = plain(done)
        except TypeError:
            continue
    return found


def publish(
    run: Run, project: Project, plan: Plan, unfinished: Collection[Address] = ()
) -> Mapping[str, Plain]:
    """Record the outputs that a plan changes, and write their files.

    An output that comes of something unfinished stays as it was: applications go on with what
    there is.

    Args:
        run: the apply.
        project: the declaration.
        plan: what was approved; other outputs are left as they are.
        unfinished: where a change did not happen yet, or failed.

    Raises:
        ConfigError: a file cannot be written.
    """
    recorded = run.state.outputs
    changed = {o.name for o in plan.outputs}
    ready = tuple(
        o
        for o in project.outputs
        if o.name in changed and not {ref.address for ref in refs(o.value)} & set(unfinished)
    )
    gone = {o.name for o in plan.outputs if o.gone}
    found = {name: item for name, item in recorded.items() if name not in gone}
    found = {} if plan.destroy else {**found, **values(ready, run.state)}
    if found != dict(recorded):
        run.record(Published(found))
    if not plan.destroy:
        write_files(project, found)
    return found


def write_files(project: Project, found: Mapping[str, Plain]) -> None:
    """Write the files of the outputs that have a value; one that is as it should be stays.

    Raises:
        ConfigError: a file cannot be written.
    """
    for output in project.outputs:
        if output.name in found:
            for name in output.write:
                _write(Path(project.root) / name, found[output.name], output)


def _write(path: Path, value: Plain, output: Output) -> None:
    content = orjson.dumps(
        value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    )
    try:
        if path.exists() and path.read_bytes() == content:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise ConfigError.of(
            f"output `{output.name}` cannot be written to `{path}`: "
            + (error.strerror or "").lower(),
            source=output.source,
        ) from error
