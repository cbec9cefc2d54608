"""Where the parts of prompt templates stand in the files, and their tests: what no spec has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from tunectl.config.derive import in_file_order
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Source
from tunectl.core.value import Address
from tunectl.kinds.prompt_template import PromptTemplate


@dataclass(frozen=True, slots=True)
class PromptPlaces:
    """One template.

    Attributes:
        sections: where each stands, by its id.
        tests: as they are declared (`{name, inputs, profile, history, documents, expect}`), each
            with where it stands.
    """

    sections: Mapping[str, Source] = field(default_factory=dict)
    tests: tuple[tuple[Mapping[str, Any], Source | None], ...] = ()


def prompt_places(world: World) -> Mapping[Address, PromptPlaces]:
    """Return the places and tests of every template that is declared."""
    found = {}
    for draft in in_file_order(world.drafts, "prompt_template"):
        model = draft.model
        if not isinstance(model, PromptTemplate):
            continue
        sections = {one.id: draft.at("sections", at) for at, one in enumerate(model.sections)}
        tests = tuple(
            (one.model_dump(mode="json"), draft.at("tests", at))
            for at, one in enumerate(model.tests)
        )
        found[draft.address] = PromptPlaces(sections, tests)
    return found
