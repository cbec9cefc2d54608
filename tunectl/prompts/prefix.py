"""How much of a prompt is the same every time, from its beginning: what a cache can keep.

Found by rendering twice with other values for everything that is not static, and comparing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunectl.prompts.prompt import Prompt
from tunectl.prompts.rendered import VOLATILITIES, Message, Rendered, Volatility
from tunectl.prompts.samples import Sample, rendered_with, samples

HOISTING = frozenset({"anthropic", "gemini", "bedrock"})
"""Dialects whose services read all instructions before the conversation."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What of a prompt stays the same.

    Attributes:
        characters: of the whole prompt.
        stable: of them, how many stand before the first that changes, for all users.
        possible: how many could, were all that changes moved behind what does not.
        order: the ids of the sections, in an order that reaches nearly that.
        changes: by section, at which character of it the first change comes.
    """

    characters: int
    stable: int
    possible: int
    order: tuple[str, ...]
    changes: Mapping[str, int]

    @property
    def share(self) -> float:
        """Which part of the prompt can be kept as it is now, from 0 to 1."""
        return self.stable / self.characters if self.characters else 0.0

    @property
    def possible_share(self) -> float:
        """Which part of it could."""
        return self.possible / self.characters if self.characters else 0.0


def wire_order(messages: Sequence[Message], dialect: str) -> list[Message]:
    """Return messages as a service reads them: some take all instructions first."""
    if dialect not in HOISTING:
        return list(messages)
    return sorted(messages, key=lambda one: one.role != "system")


def prefix(prompt: Prompt, *, dialect: str | None = None, sample: Sample | None = None) -> Prefix:
    """Measure the stable prefix of a prompt.

    Args:
        prompt: the prompt.
        dialect: in whose order it is read; by default its own.
        sample: values to render with, in place of invented ones.

    Raises:
        PromptError: it cannot be rendered.
    """
    pair = samples(prompt, sample)
    spoken = dialect or prompt.dialect
    one = _texts(rendered_with(prompt, pair, None), spoken)
    other = _texts(rendered_with(prompt, pair, "static"), spoken)
    changes: dict[str, int] = {}
    levels: dict[str, int] = {}
    possible = 0
    for name, text in one.items():
        alike = head = common(text, other.get(name, ""))
        if text != other.get(name, ""):
            changes[name] = head
            alike += common(text[head:][::-1], other.get(name, "")[head:][::-1])
        possible += alike
        # What is mostly the same is moved as if it were: the rest can go into another section.
        often = "static" if 2 * alike > len(text) else measured(prompt, pair, name) or "per_turn"
        levels[name] = VOLATILITIES.index(often)
    order = sorted(one, key=lambda name: levels[name])
    return Prefix(
        characters=sum(map(len, one.values())),
        stable=common("".join(one.values()), "".join(other.values())),
        possible=possible,
        order=tuple(order),
        changes=changes,
    )


def measured(prompt: Prompt, pair: tuple[Sample, Sample], section: str) -> Volatility | None:
    """Return how often a section really changes; None when it is more than once a turn."""
    first = text_of(rendered_with(prompt, pair, None), section)
    for keeping in VOLATILITIES:
        if text_of(rendered_with(prompt, pair, keeping), section) == first:
            return keeping
    return None


def text_of(rendered: Rendered, section: str) -> str:
    """Return all that a section says."""
    return "\n".join(one.text for one in rendered.messages if one.section == section)


def common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _texts(rendered: Rendered, dialect: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in wire_order(rendered.messages, dialect):
        found[one.section] = found.get(one.section, "") + one.text
    return found
