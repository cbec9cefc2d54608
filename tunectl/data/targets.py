"""For whom a dataset is checked: providers differ in what they take."""

from __future__ import annotations

from dataclasses import field, replace
from enum import IntEnum

from tunectl.catalog.prices import Price
from tunectl.core.dataclass import dataclass

SUPERVISED, PREFERENCE, REINFORCEMENT = "supervised", "preference", "reinforcement"
METHODS = (SUPERVISED, PREFERENCE, REINFORCEMENT)


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
        method: `supervised`, `preference` or `reinforcement`; empty for that of the rows.
        context: the most tokens of an example, where the provider's settings say it.
        vocabulary: the folder of the model, where it lies on this machine; empty elsewhere.
        epochs: the passes that the user set; None for what the provider chooses. Of two jobs
            that differ in nothing else the first counts.
        prices: the user's own at that provider; they come before the catalogue's.
    """

    provider: str
    model: str | None = None
    method: str = ""
    context: int | None = None
    vocabulary: str = ""
    epochs: int | None = field(default=None, compare=False)
    prices: tuple[Price, ...] = field(default=(), compare=False)

    def for_rows(self, method: str) -> Target:
        """The same use of rows of a method; what says its own method keeps it."""
        return self if self.method else replace(self, method=method)

    def __str__(self) -> str:
        return self.provider if self.model is None else f"{self.provider}:{self.model}"
