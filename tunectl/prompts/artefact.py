"""The compiled artefact that `apply` writes for each prompt template.

Law: a file is read as `apply` wrote it or not at all. Its `sha256` is over the canonical JSON of
the rest (sorted keys, no white space, UTF-8 as it is), so one that was cut or edited is refused,
whatever still parses of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tunectl.prompts.budget import Counter, exact_counter
from tunectl.prompts.errors import PromptError
from tunectl.prompts.gathering import Summarise
from tunectl.prompts.prompt import Prompt
from tunectl.prompts.sources import Sources

if TYPE_CHECKING:
    from tunectl.prompts.memory import Memory
    from tunectl.retrieval.passage import Searcher

FORMAT = 2
FOLDER = Path(".tunectl") / "prompts"
_AGAIN = "run `tunectl apply`, which writes it again"


def load(
    name: str,
    *,
    path: str | Path = ".",
    env: str = "default",
    searchers: Mapping[str, Searcher] | None = None,
    memory: Memory | None = None,
    summarise: Summarise | None = None,
    count: Counter | Literal["estimate", "exact"] = "estimate",
) -> Prompt:
    """Read a compiled prompt template.

    Args:
        name: the template's name.
        path: the project's folder, or the artefact file itself.
        env: the environment it was applied for.
        searchers: by the name of a knowledge base, what searches it instead.
        memory: in place of the declared one.
        summarise: asks a model for a summary, for `overflow: summarize`.
        count: how tokens are counted: estimated; `exact` with OpenAI's vocabulary where the model
            is OpenAI's (most of a second to load), else estimated; or a function of a text.

    Raises:
        PromptError: there is no such artefact, it is not one of this version, or its content is
            not what `apply` wrote.
    """
    place = Path(path)
    given = place.is_file()
    file = place if given else place / FOLDER / env / f"{name}.json"
    tree = _read(file)
    return prompt_of(
        tree,
        # The application may change its working folder later; the memory must not move with it.
        root=_project_of(file) if given else place.absolute(),
        searchers=searchers,
        memory=memory,
        summarise=summarise,
        count=count,
    )


def _read(file: Path) -> dict[str, Any]:
    """Return the content of an artefact that is whole.

    Raises:
        PromptError: as `load`.
    """
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PromptError(f"no compiled prompt `{file}`; run `tunectl apply` first") from None
    except (OSError, ValueError) as error:
        raise PromptError(f"`{file}` cannot be read: {error}; {_AGAIN}") from error
    if not isinstance(tree, dict) or tree.get("format") != FORMAT:
        found = tree.get("format") if isinstance(tree, dict) else None
        newer = type(found) is int and found > FORMAT
        hint = f"it is of format {found}: install a newer tunectl here" if newer else _AGAIN
        raise PromptError(f"`{file}` is not a compiled prompt of format {FORMAT}; {hint}")
    if tree.get("sha256") != sha256_of(tree):
        raise PromptError(f"`{file}` is not as it was written: its sha256 differs; {_AGAIN}")
    return tree


def prompt_of(
    tree: Mapping[str, Any],
    *,
    root: Path,
    searchers: Mapping[str, Searcher] | None = None,
    memory: Memory | None = None,
    summarise: Summarise | None = None,
    count: Counter | Literal["estimate", "exact"] = "estimate",
) -> Prompt:
    """Return the prompt of an artefact's content.

    Args:
        tree: the artefact, as JSON has it.
        root: the project's folder, that its paths are relative to.
        searchers: as in `load`.
        memory: as in `load`.
        summarise: as in `load`.
        count: as in `load`.

    Raises:
        PromptError: it is not whole.
    """
    knowledge = tree.get("knowledge") or {}
    try:
        counter = exact_counter(tree["model"] or "") if count == "exact" else count
        return Prompt(
            name=tree["name"],
            version=tree["version"],
            model=tree["model"] or "",
            base_url=tree.get("base_url") or "",
            inputs=tree["inputs"],
            sections=[_section(one) for one in tree["sections"]],
            dialect=tree.get("dialect") or "openai",
            partials=tree.get("partials") or {},
            budget=tree.get("budget") or {},
            output=tree.get("output"),
            cache=tree.get("cache") or {},
            citations=bool(tree.get("citations")),
            memory=tree.get("memory"),
            knowledge=knowledge,
            _sources=Sources(
                root, tree.get("memory"), knowledge, searchers=searchers, opened=memory
            ),
            _count=counter if callable(counter) else None,
            _summarise=summarise,
        )
    except KeyError as error:
        raise PromptError(f"the compiled prompt has no {error}; run `tunectl apply`") from None


def sha256_of(tree: Mapping[str, Any]) -> str:
    """Return the sha256, in hex, that an artefact of this content has."""
    rest = {key: value for key, value in tree.items() if key != "sha256"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _section(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"volatility": "per_turn", **given, "id": given["id"], "role": given["role"]}


def _project_of(file: Path) -> Path:
    """Return the project of an artefact that is named itself: the folder above `.tunectl`."""
    resolved = file.resolve()
    for folder in resolved.parents:
        if folder.name == ".tunectl":
            return folder.parent
    return resolved.parent
