"""The kinds in the order in which they are lowered.

What lowers a kind, and the rooms it looks into, are imported where something of that kind is
declared: a project without datasets needs none of the rules for rows.
"""

from __future__ import annotations

from tunectl.config.world import World


def lower(world: World) -> None:
    """Make resources of all drafts; each kind may look at what those before it became."""
    declared = {address.kind for address in world.drafts}
    if "dataset" in declared:
        from tunectl.config.datasets import lower_datasets

        lower_datasets(world)
    if "tuning_job" in declared:
        from tunectl.config.jobs import lower_jobs

        lower_jobs(world)
    if "endpoint" in declared:
        from tunectl.config.endpoints import lower_endpoints

        lower_endpoints(world)
    if "memory" in declared:
        from tunectl.config.memory import lower_memories

        lower_memories(world)
    if "knowledge_base" in declared:
        from tunectl.config.knowledge import lower_knowledge_bases

        lower_knowledge_bases(world)
    if "prompt_template" in declared:
        from tunectl.config.prompts import lower_prompts
        from tunectl.config.publications import lower_publications
        from tunectl.config.served import check_served

        lower_prompts(world)
        lower_publications(world)
        check_served(world)
