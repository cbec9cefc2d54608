"""What a user may write, one pydantic model a file, with the words that describe it.

May: say which fields there are, their types, limits that hold everywhere, and their meaning; the
JSON Schema and the configuration reference are made from these models.
Never: reads a file, resolves a reference, knows positions in files or what another resource is.
"""

from collections.abc import Mapping
from types import MappingProxyType

from tunectl.kinds.dataset import Dataset
from tunectl.kinds.declared import Declared
from tunectl.kinds.endpoint import Endpoint
from tunectl.kinds.knowledge_base import KnowledgeBase
from tunectl.kinds.memory import Memory
from tunectl.kinds.prompt_template import PromptTemplate
from tunectl.kinds.tuning_job import TuningJob

__all__ = ["DERIVED", "KINDS", "PLANNED"]

KINDS: Mapping[str, type[Declared]] = MappingProxyType(
    {
        "dataset": Dataset,
        "tuning_job": TuningJob,
        "endpoint": Endpoint,
        "memory": Memory,
        "knowledge_base": KnowledgeBase,
        "prompt_template": PromptTemplate,
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
