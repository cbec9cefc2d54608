"""Searching a knowledge base, wherever it is kept: the one way for commands and applications.

May: open the index file that an entry of an artefact names, or ask the service it names, with the
key in the variable it names.
Never: builds or changes what is searched, holds a key, or says the question in an error.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunectl.prompts.errors import PromptError
from tunectl.retrieval.passage import Passage, Searcher

__all__ = ["TYPES", "Passage", "Searcher", "searcher"]

TYPES = ("local", "openai", "bedrock", "vertex")


def searcher(entry: Mapping[str, Any], root: Path) -> Searcher:
    """Return what searches a knowledge base; nothing is opened or asked yet.

    Args:
        entry: the output `search` of a knowledge base, as an artefact carries it: its `type` and
            what that type needs.
        root: the project's folder, that paths are relative to.

    Raises:
        PromptError: there is no such type, or the entry is not whole.
    """
    kind = entry.get("type")
    if kind not in TYPES:
        known = ", ".join(f"`{one}`" for one in TYPES)
        raise PromptError(f"there is no way to search a knowledge base of type `{kind}`: {known}")
    module = importlib.import_module(f"tunectl.prompts.searching.{kind}")
    try:
        found: Searcher = module.searcher(entry, root)
    except KeyError as error:
        raise PromptError(f"a knowledge base of type `{kind}` has no {error}") from None
    return found
