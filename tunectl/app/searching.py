"""Searching a knowledge base that was made, at whichever provider, as a prompt does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

from tunectl.app.options import Options
from tunectl.app.reading import instance
from tunectl.app.workspace import open_record
from tunectl.core.errors import ConfigError
from tunectl.core.resource import Instance
from tunectl.core.state import State
from tunectl.prompts import PromptError
from tunectl.prompts.searching import searcher
from tunectl.retrieval.passage import Passage

KIND = "knowledge_base"
_TOP_K = 5


def search(
    options: Options,
    name: str,
    question: str,
    *,
    top_k: int | None = None,
    min_score: float | None = None,
) -> list[Passage]:
    """Return the passages that fit a question best, best first.

    Args:
        options: which project and environment.
        name: of a knowledge base that an apply made, or its address.
        question: what is looked for.
        top_k: how many at most; as declared when not given.
        min_score: what scores less is left out; as declared when not given.

    Raises:
        ConfigError: nothing is recorded there, or it cannot be searched.
        StateError: the state cannot be read.
    """
    project, ledger = open_record(options)
    address = name if name.startswith((f"{KIND}.", "module.")) else f"{KIND}.{name}"
    entry = _entry(_made(ledger.load(), address))
    most, least = top_k or _whole(entry.get("top_k")), min_score
    if least is None:
        given = entry.get("min_score")
        least = float(given) if isinstance(given, int | float) else 0.0
    try:
        found = searcher({**entry, "min_score": least}, Path(project.root)).search(
            question, top_k=most
        )
    except PromptError as error:
        raise ConfigError.of(str(error), code="cannot-search") from error
    return [one for one in found if one.score >= least][:most]


def _made(recorded: State, text: str) -> Instance:
    """Return what is recorded there; of nothing the hint is to apply, or a name that is near."""
    made = {str(one): one for one in recorded.instances if one.kind == KIND}
    if text in made or not text.startswith(f"{KIND}."):
        return instance(recorded, text)
    names = {address.removeprefix(f"{KIND}."): address for address in made}
    near = difflib.get_close_matches(text.removeprefix(f"{KIND}."), names, n=1)
    raise ConfigError.of(
        f"nothing is recorded at `{text}`",
        hint=f"did you mean `{names[near[0]]}`?" if near else _none_such(names),
        code="unknown-address",
    )


def _none_such(names: Iterable[str]) -> str:
    there = ", ".join(f"`{name}`" for name in sorted(names))
    hint = "where it is declared, `tunectl apply` makes it"
    return f"{hint}; made are {there}" if there else hint


def _entry(found: Instance) -> Mapping[str, object]:
    entry = found.outputs.get("search")
    if found.address.kind != KIND:
        raise ConfigError.of(
            f"`{found.address}` is no knowledge base", hint="name one: `tunectl state list`"
        )
    if not isinstance(entry, Mapping):
        raise ConfigError.of(
            f"`{found.address}` cannot be searched yet: it is {found.status.value}",
            hint="`tunectl wait` waits until it is ready",
        )
    return entry


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else _TOP_K
