"""The compiled artefact of a prompt template: plain JSON that holds all an application needs.

Laws: the same declaration and rows give the same bytes; it holds no key and nothing of a user.
Format 2: `format`, `name`, `version`, `model`, `base_url`, `dialect`, `inputs`, `partials`,
`sections`, `budget`, `output`, `cache`, `citations`, `memory`, `knowledge` and `sha256`, which is
over the canonical JSON of the rest. What a template does not have is null, false or empty. Paths
are relative to the project's folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tunectl.catalog.volatility import volatility_of
from tunectl.catalog.windows import window_of
from tunectl.core.ports import Reader
from tunectl.core.value import Address, Plain, canonical
from tunectl.providers.examples import Messages, chosen_rows, first_rows, hash_of

FORMAT = 2
DIALECT = "openai"
RESERVED_OUTPUT = 1024  # tokens

Rows = tuple[Messages, ...]
MakeIndex = Callable[[Mapping[str, Plain], Rows], Mapping[str, Plain]]
"""Makes the index of a section of nearest examples: `index` (a path) and `index_sha256`."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """An artefact that was made.

    Attributes:
        content: its bytes.
        examples: the hashes of the rows that are shown, by section; nearest ones are not.
    """

    content: bytes
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def compiled(
    address: Address,
    spec: Mapping[str, Plain],
    reader: Reader,
    make_index: MakeIndex | None = None,
) -> bytes:
    """Return the bytes of an artefact; see `compile_prompt`."""
    return compile_prompt(address, spec, reader, make_index).content


def compile_prompt(
    address: Address,
    spec: Mapping[str, Plain],
    reader: Reader,
    make_index: MakeIndex | None = None,
) -> Compiled:
    """Return the artefact of a template.

    Args:
        address: of the template.
        spec: its settled settings.
        reader: gives the rows of examples.
        make_index: makes the index of nearest examples; without it they have the first rows as
            `messages`, which is not what is sent.

    Raises:
        StaleError: the rows of the examples are no longer what was planned.
    """
    given = spec.get("sections")
    sections = given if isinstance(given, tuple | list) else ()
    examples: dict[str, tuple[str, ...]] = {}
    content: dict[str, Plain] = {
        "format": FORMAT,
        "name": name_of(address),
        "version": spec.get("version"),
        "model": spec.get("model"),
        "base_url": spec.get("base_url"),
        "dialect": spec.get("dialect") or DIALECT,
        "inputs": spec.get("inputs") or {},
        "partials": spec.get("partials") or {},
        "sections": tuple(_section(one, reader, make_index, examples) for one in sections),
        "budget": _budget(spec),
        "output": spec.get("output"),
        "cache": spec.get("cache"),
        "citations": bool(spec.get("citations")),
        "memory": spec.get("memory"),
        "knowledge": spec.get("knowledge") or {},
    }
    content["sha256"] = hashlib.sha256(canonical(content).encode()).hexdigest()
    text = json.dumps(_tree(content), ensure_ascii=False, indent=2) + "\n"
    return Compiled(text.encode(), examples)


def name_of(address: Address) -> str:
    """Return how an application names a template: `support`, `support[pl]`."""
    name = ".".join(address.path)
    return name if address.key is None else f"{name}[{address.key}]"


def _tree(value: Plain) -> object:
    """Return plain JSON in the order in which it was declared: a schema's order counts."""
    if isinstance(value, Mapping):
        return {str(key): _tree(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_tree(item) for item in value]
    return value


def _budget(spec: Mapping[str, Plain]) -> Plain:
    """The budget with what the catalogue knows of the model; null where nobody set one."""
    budget = spec.get("budget")
    if not isinstance(budget, Mapping):
        return None
    tokens = budget.get("context_tokens")
    if not isinstance(tokens, int):
        model = budget.get("of") or spec.get("model")
        tokens = window_of(model) if isinstance(model, str) else None
    reserve, most = budget.get("reserve_output"), budget.get("max_output")
    return {
        "context_tokens": tokens,
        "reserve_output": RESERVED_OUTPUT if reserve is None else reserve,
        **({} if most is None else {"max_output": most}),
    }


def _section(
    section: Plain,
    reader: Reader,
    make_index: MakeIndex | None,
    examples: dict[str, tuple[str, ...]],
) -> Plain:
    """Return a section with its volatility; one of examples with the rows that were chosen."""
    if not isinstance(section, Mapping):
        return section
    role, select = str(section.get("role")), section.get("select")
    said = section.get("volatility") or volatility_of(role, str(select) if select else None)
    made: dict[str, Plain] = {"id": section.get("id"), "role": role, "volatility": said}
    made |= {key: value for key, value in section.items() if key != "examples"}
    source = section.get("examples")
    if not isinstance(source, Mapping):
        return made
    made["source"] = source
    if select == "nearest" and make_index is not None:
        rows = tuple(first_rows(source, reader))
        return {**made, **make_index(section, rows), "rows": rows}
    rows = chosen_rows(section, source, reader)
    if select != "nearest":
        examples[str(section.get("id"))] = tuple(hash_of(row) for row in rows)
    return {**made, "messages": tuple(message for row in rows for message in row)}
