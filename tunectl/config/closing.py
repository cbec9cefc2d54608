"""What is checked when everything is lowered: outputs and cycles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from tunectl.config.node import Node, Path
from tunectl.config.problems import Problems, did_you_mean
from tunectl.config.refs import References, starts_with_kind
from tunectl.config.scope import Scope
from tunectl.config.template import Evaluator
from tunectl.config.validating import validated
from tunectl.config.world import World
from tunectl.core.errors import Source
from tunectl.core.graph import Cycle, check
from tunectl.core.project import Output
from tunectl.core.value import NAME, Address, Ref, Value, refs
from tunectl.kinds import OUTPUT
from tunectl.kinds.reading import name_hint


def outputs(
    declared: Node | None, evaluator: Evaluator, scope: Scope, references: References
) -> tuple[Output, ...]:
    """Return the outputs with their references resolved."""
    found: list[Output] = []
    writers: dict[str, str] = {}
    problems = references.problems
    for name, node in declared.items() if declared is not None else ():
        if not NAME.fullmatch(name):
            problems.error(
                f"`{name}` is not a name", node.key_source, code="bad-name", hint=name_hint(name)
            )
            continue
        broken: set[Path] = set()
        value = evaluator.value(node, scope, broken)
        if not isinstance(value, dict):
            value = {"value": value}
        said = validated(OUTPUT, node, value, problems, f"outputs.{name}", broken)
        if broken or said is None:
            continue
        place = node.find(("value",))[0]
        resolved = _value(said.value, place, references, scope, problems)
        for index, file in enumerate(said.write):
            at = node.find(("write", index))[0].source
            _check_write(file, at, problems)
            other = writers.setdefault(file, name)
            if other != name:
                problems.error(
                    f"outputs `{other}` and `{name}` both write `{file}`",
                    at,
                    code="duplicate-write",
                    hint="give each its own file",
                )
        if resolved is not None:
            found.append(
                Output(
                    name=name,
                    value=resolved,
                    write=tuple(said.write),
                    sensitive=said.sensitive,
                    source=node.key_source,
                )
            )
    return tuple(found)


def _value(
    value: object, node: Node, references: References, scope: Scope, problems: Problems
) -> Value:
    if isinstance(value, str) and starts_with_kind(value):
        value = references.resolve(value, scope, node.source)
    if isinstance(value, Ref):
        return references.completed(value, node.source)
    if isinstance(value, dict):
        return {
            key: _value(item, node.find((key,))[0], references, scope, problems)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return tuple(
            _value(item, node.find((i,))[0], references, scope, problems)
            for i, item in enumerate(value)
        )
    return value  # type: ignore[return-value]  # scalars and joined texts are all that is left


def _check_write(file: str, at: Source, problems: Problems) -> None:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts or not path.name or file.endswith("/"):
        problems.error(
            f"`write` takes a file inside the project, not `{file}`",
            at,
            code="outside-project",
            hint="such as `deploy/model.json`",
        )


def check_values(found: tuple[Output, ...], world: World) -> None:
    """Check that outputs name outputs that datasets really have."""
    for output in found:
        for ref in refs(output.value):
            dataset = world.datasets.get(ref.address)
            if dataset is not None and ref.path[:1] and ref.path[0] not in dataset.splits:
                world.problems.error(
                    f"`{ref.address}` has no split `{ref.path[0]}`",
                    output.source,
                    code="unknown-split",
                    hint=did_you_mean(ref.path[0], dataset.splits),
                )


def check_cycles(world: World) -> None:
    """Name a cycle of references, if there is one."""
    # What needs nothing stands in no circle.
    needs = {address: needed for address, one in world.resources.items() if (needed := one.needs)}
    try:
        check(needs)
    except Cycle as cycle:
        nodes = [node for node in cycle.nodes if isinstance(node, Address)]
        first = min(nodes, key=lambda a: _line(world, a))
        at = nodes.index(first)
        turned = [*nodes[at:-1], *nodes[:at], first]
        chain = " → ".join(f"`{node}`" for node in turned)
        itself = len(turned) == 2
        said = f"references go round in a circle: {chain}"
        world.problems.error(
            f"`{first}` refers to itself" if itself else said,
            _place(world, first, turned[1]),
            code="cycle",
            hint=f"remove {'this reference' if itself else 'one of these references'}",
            address=str(first),
        )


def _place(world: World, address: Address, named: Address) -> Source | None:
    """Return where a resource names another; where its name stands if no text of it says so."""
    source = world.resources[address].source
    draft = world.drafts.get(address)
    if draft is None:
        return source
    name = re.compile(rf"(?<!\w){re.escape(f'{named.kind}.{named.path[-1]}')}(?!\w)")
    return next(
        (node.source for node in _texts(draft.node) if name.search(str(node.value))), source
    )


def _texts(node: Node) -> Iterator[Node]:
    inside = node.value
    if isinstance(inside, dict | list):
        for child in inside.values() if isinstance(inside, dict) else inside:
            yield from _texts(child)
    elif isinstance(inside, str):
        yield node


def _line(world: World, address: Address) -> tuple[str, int]:
    source = world.resources[address].source
    return (source.file, source.line) if source is not None else ("", 0)
