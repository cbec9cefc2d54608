"""What a user may write, one pydantic model a file, with the words that describe it.

May: say which fields there are, their types, limits that hold everywhere, and their meaning; the
JSON Schema and the configuration reference are made from these models.
Never: reads a file, resolves a reference, knows positions in files or what another resource is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunectl.kinds.by_name import ModelsByName

if TYPE_CHECKING:
    from tunectl.kinds.declared import Declared

__all__ = ["DERIVED", "KINDS", "PLANNED"]

KINDS: Mapping[str, type[Declared]] = ModelsByName(
    {
        "dataset": "dataset.Dataset",
        "tuning_job": "tuning_job.TuningJob",
        "endpoint": "endpoint.Endpoint",
        "memory": "memory.Memory",
        "knowledge_base": "knowledge_base.KnowledgeBase",
        "prompt_template": "prompt_template.PromptTemplate",
    }
)

# Kinds that the loader makes and nobody writes.
DERIVED = ("upload", "publication")

# Words of later versions: refused as "not in this version", never silently accepted.
PLANNED = frozenset(
    {
        "evaluation",
        "retirement",
        "requires",
        "traffic",
        "targets",
    }
)
