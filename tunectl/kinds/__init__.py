"""What a user may write, one pydantic model a file, with the words that describe it.

May: say which fields there are, their types, limits that hold everywhere, and their meaning; the
JSON Schema and the configuration reference are made from these models.
Never: reads a file but its own table, resolves a reference, knows positions in files or what
another resource is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunectl.kinds.by_name import ModelsByName, Named

if TYPE_CHECKING:
    from tunectl.kinds.checks import PolicyFields
    from tunectl.kinds.dataset import Dataset
    from tunectl.kinds.declared import Declared
    from tunectl.kinds.endpoint import Endpoint
    from tunectl.kinds.knowledge_base import KnowledgeBase
    from tunectl.kinds.memory import Memory
    from tunectl.kinds.project import (
        ImportFields,
        IncludeFields,
        MovedFields,
        OutputFields,
        ProjectFields,
        RemovedFields,
        Variable,
    )
    from tunectl.kinds.tuning_job import TuningJob

__all__ = [
    "DATASET", "DERIVED", "ENDPOINT", "IMPORT", "INCLUDE", "KINDS", "KNOWLEDGE_BASE", "MEMORY",
    "MOVED", "OUTPUT", "PLANNED", "POLICY", "PROJECT", "REMOVED", "TUNING_JOB", "VARIABLE",
]  # fmt: skip

KINDS: ModelsByName[Declared] = ModelsByName(
    {
        "dataset": "dataset.Dataset",
        "tuning_job": "tuning_job.TuningJob",
        "endpoint": "endpoint.Endpoint",
        "memory": "memory.Memory",
        "knowledge_base": "knowledge_base.KnowledgeBase",
        "prompt_template": "prompt_template.PromptTemplate",
    }
)

# Most values fit these without pydantic, whose import takes longer than most plans.
DATASET: Named[Dataset] = Named("dataset.Dataset")
TUNING_JOB: Named[TuningJob] = Named("tuning_job.TuningJob")
ENDPOINT: Named[Endpoint] = Named("endpoint.Endpoint")
MEMORY: Named[Memory] = Named("memory.Memory")
KNOWLEDGE_BASE: Named[KnowledgeBase] = Named("knowledge_base.KnowledgeBase")
PROJECT: Named[ProjectFields] = Named("project.ProjectFields")
VARIABLE: Named[Variable] = Named("project.Variable")
OUTPUT: Named[OutputFields] = Named("project.OutputFields")
INCLUDE: Named[IncludeFields] = Named("project.IncludeFields")
MOVED: Named[MovedFields] = Named("project.MovedFields")
REMOVED: Named[RemovedFields] = Named("project.RemovedFields")
IMPORT: Named[ImportFields] = Named("project.ImportFields")
POLICY: Named[PolicyFields] = Named("checks.PolicyFields")

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
