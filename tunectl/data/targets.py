"""For whom a dataset is checked: providers differ in what they take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How much is looked at: each level holds the ones before it."""

    SYNTAX = 0
    DEFAULT = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class Target:
    """One use of a dataset.

    Attributes:
        provider: the provider's type or, where the wire has profiles, the profile: `openai`,
            `azure`, `vertex`, `bedrock`, `local`.
        model: the base model; None where it is not known.
        method: `supervised`, `preference` or `reinforcement`.
    """

    provider: str
    model: str | None = None
    method: str = "supervised"

    def __str__(self) -> str:
        return self.provider if self.model is None else f"{self.provider}:{self.model}"
