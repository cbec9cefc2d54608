"""What a format cannot carry: found, counted, and never dropped in silence."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError

# Every kind of loss: the name a person writes under `--allow-loss`, and what then happens.
KINDS = {
    "tools": "what the model may call is left out",
    "tool-calls": "calls and their results are left out",
    "parallel-tool-calls": "whether calls may be made in parallel is left out",
    "pairing": "which call a result answers is told by the order alone",
    "boundaries": "an answer and the call in the next message become one message",
    "weight": "answers that were not to be learned are learned",
    "images": "images are left out",
    "image-detail": "the resolution asked for an image is left out",
    "other-parts": "parts of other types are left out",
    "parts": "several texts in one message become one, joined by an empty line",
    "refusal": "refusals are left out",
    "system": "system turns are left out",
    "joined": "the system text becomes the beginning of the prompt",
    "turns": "only the last question and its answer stay",
    "names": "names of speakers are left out",
    "rejected": "only the preferred answers stay",
    "keys": "other keys are left out",
}


@dataclass(slots=True)
class Loss:
    """One kind of loss, over all rows.

    Attributes:
        rows: how many rows lose it.
        first: `file:line` of the first.
        what: what is lost in the first.
        subjects: the keys meant, where they have names.
    """

    kind: str
    rows: int
    first: str
    what: str
    subjects: dict[str, int]


class Losses:
    """Takes the losses of row after row.

    Attributes:
        found: by kind, in the order they were met.
    """

    def __init__(self, allowed: Collection[str] = ()) -> None:
        self.found: dict[str, Loss] = {}
        self._allowed = frozenset(allowed)
        self._place = ""
        self._of_row: set[str] = set()

    def begin(self, place: str) -> None:
        """Begin the next row: `file:line`."""
        self._place = place
        self._of_row.clear()

    def note(self, kind: str, what: str, subject: str = "") -> None:
        """The row loses something."""
        loss = self.found.get(kind)
        if loss is None:
            loss = self.found[kind] = Loss(kind, 0, self._place, what, {})
        if kind not in self._of_row:
            self._of_row.add(kind)
            loss.rows += 1
        if subject:
            loss.subjects[subject] = loss.subjects.get(subject, 0) + 1

    @property
    def refused(self) -> list[Loss]:
        """What is lost and was not allowed."""
        return [loss for kind, loss in self.found.items() if kind not in self._allowed]


def loss_names(words: Collection[str]) -> frozenset[str]:
    """The kinds of loss a person allows.

    Raises:
        ConfigError: for a name that is none, with the nearest one.
    """
    for word in words:
        if word not in KINDS:
            close = get_close_matches(word, KINDS, n=1)
            known = ", ".join(f"`{kind}`" for kind in KINDS)
            raise ConfigError.of(
                f"there is no loss `{word}`",
                hint=f"did you mean `{close[0]}`?" if close else f"losses are {known}",
                code="unknown-loss",
            )
    return frozenset(words)
