"""Whose manners the server has: its own, or those of a service that it stands in for.

A server that stands in for a service takes what that service takes, refuses what it refuses and
names things as it does, so that a project can be rehearsed. It trains nothing: only trainer
`simulated` may stand in. Facts as of 2026-11-22: OpenAI's specification and SDK 3.54; Microsoft's
Foundry documentation (2025-09 to 2026-10); the Nebius Token Factory cookbook (2026-08); Amazon's
documentation of fine-tuning with OpenAI-compatible APIs (2026).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_SUPERVISED = frozenset({"supervised"})
_ALL = frozenset({"supervised", "dpo", "reinforcement"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """One service.

    Attributes:
        name: as `--profile` says it.
        methods: the training methods that it takes.
        integrations: whether a job may report to Weights & Biases; nothing is sent there.
        more_keys: what a job may say beside OpenAI's keys, and what it may be; None for anything.
        suffix: whether a job may have one.
        dotless: whether a suffix may hold no dot.
        flat: the hyper-parameters stand beside `method`, with those of an adapter among them.
        least_rows: fewest training rows.
        byte_order_mark: a file must begin with one.
        processing: seconds in which a new file is not ready.
        null_numbers: `hyperparameters` of a job that is not supervised are null.
        named_after_job: a tuned model is called `BASE.ft-ID`, else `ft:BASE:ORG:SUFFIX:ID`.
        names_models: a job that is done names its model; else its checkpoints are registered.
    """

    name: str
    methods: frozenset[str] = _SUPERVISED
    integrations: bool = False
    more_keys: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    suffix: bool = True
    dotless: bool = False
    flat: bool = False
    least_rows: int = 10
    byte_order_mark: bool = False
    processing: float = 0.0
    null_numbers: bool = False
    named_after_job: bool = False
    names_models: bool = True


OWN = Manner(name="")

MANNERS: Mapping[str, Manner] = {
    manner.name: manner
    for manner in (
        OWN,
        Manner(
            name="openai",
            methods=_ALL,
            integrations=True,
            null_numbers=True,
        ),
        Manner(
            name="azure",
            methods=_ALL,
            more_keys={"trainingType": frozenset({"Standard", "GlobalStandard", "Developer"})},
            dotless=True,
            byte_order_mark=True,
            processing=0.2,
            named_after_job=True,
        ),
        Manner(name="nebius", integrations=True, flat=True, names_models=False),
        Manner(
            name="bedrock-mantle",
            methods=frozenset({"reinforcement"}),
            suffix=False,
            least_rows=100,
        ),
    )
}
