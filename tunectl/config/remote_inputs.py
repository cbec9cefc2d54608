"""What a declaration takes from buckets: found without asking any of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tunectl.config.datasets import to_read
from tunectl.config.derive import in_file_order
from tunectl.config.files import DEFAULT_ENV
from tunectl.config.load import of_world
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.value import Address
from tunectl.data.remote import is_remote
from tunectl.data.spec import DataSpec
from tunectl.kinds import KNOWLEDGE_BASE, TUNING_JOB

_GRADED = re.compile(r"\bitem\.([A-Za-z_]\w*)")


@dataclass(frozen=True, slots=True)
class RemoteInput:
    """Files in a bucket that a declaration names by one URL or pattern.

    Attributes:
        address: who names them.
        source: as written, such as `gs://acme/rows/*.jsonl`.
        spec: of the dataset; None where they are documents.
        method: what the rows teach by; empty where nothing trains on them.
        graded: keys of a row that a grader of the project looks at (`{{ item.KEY }}`).
    """

    address: Address
    source: str
    spec: DataSpec | None = None
    method: str = ""
    graded: tuple[str, ...] = ()


def remote_inputs(
    root: Path,
    *,
    environ: Mapping[str, str],
    env: str = DEFAULT_ENV,
    variables: Mapping[str, str] | None = None,
    var_files: tuple[Path, ...] = (),
) -> tuple[RemoteInput, ...]:
    """Return what the declaration of a project takes from buckets; nothing there is looked at.

    Raises:
        ConfigError: every problem of the declaration that was found on the way.
    """
    return of_world(lambda world: tuple(_all(world)), root, environ, env, variables, var_files)


def _all(world: World) -> Iterator[RemoteInput]:
    graded = tuple(sorted(set(_graded(world))))
    for _, data in to_read(world):
        spec = data.spec
        named = [spec.source] if spec.source is not None else [*(spec.splits or {}).values()]
        method = next((target.method for target in data.targets if target.method), "")
        for source in (*named, *spec.against):
            if is_remote(source):
                yield RemoteInput(data.address, source, spec, method, graded)
    for draft in in_file_order(world.drafts, "knowledge_base"):
        model = draft.model
        assert KNOWLEDGE_BASE.fits(model)
        for source in map(str.strip, model.sources):
            if is_remote(source):
                yield RemoteInput(draft.address, source)


def _graded(world: World) -> Iterator[str]:
    for draft in world.drafts.values():
        if TUNING_JOB.fits(draft.model) and draft.model.method.grader is not None:
            yield from _GRADED.findall(json.dumps(draft.model.method.grader, default=str))
