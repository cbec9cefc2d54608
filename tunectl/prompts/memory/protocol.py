"""What a memory can do, whatever keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tunectl.prompts.errors import PromptError
from tunectl.prompts.turn import Turn


class MemoryStoreError(PromptError):
    """What keeps the memory cannot be used; nothing is taken as missing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How much there is of users' data, or how much was deleted.

    Attributes:
        users: of how many users.
        fields: values of profiles.
        sessions: conversations.
        turns: of all conversations together.
        summaries: of conversations.
    """

    users: int = 0
    fields: int = 0
    sessions: int = 0
    turns: int = 0
    summaries: int = 0

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return any((self.users, self.fields, self.sessions, self.turns, self.summaries))


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation of a user.

    Attributes:
        id: the application's own name of it.
        created: when it began, Unix time in seconds.
        touched: when its last turn was kept.
        turns: how many are kept.
    """

    id: str
    created: float
    touched: float
    turns: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What the oldest turns of a conversation came down to.

    Attributes:
        reaches: the number of the last turn that is in it.
        at: when it was made, Unix time in seconds.
    """

    text: str
    reaches: int
    at: float = 0.0


class Memory(Protocol):
    """Profiles and conversations of users. Thread-safe; several processes may share what it keeps.

    Every method raises `PromptError` where a user, a session or a value cannot be used, and its
    kind `MemoryStoreError` where the store cannot.
    """

    @property
    def name(self) -> str:
        """Its name in the declaration."""
        ...

    def profile(self, user: str) -> dict[str, Any]:
        """Return the declared fields that are known of a user, with their defaults."""
        ...

    def injected(self, user: str) -> dict[str, Any]:
        """Return of these what a prompt may say: the fields with `inject: true`."""
        ...

    def set_profile(self, user: str, fields: Mapping[str, Any]) -> None:
        """Keep values of declared fields; None forgets one. All of them, or on an error none."""
        ...

    def turns(self, user: str, session: str, limit: int | None = None) -> tuple[Turn, ...]:
        """Return the newest turns of a conversation, oldest first; none when it has expired."""
        ...

    def append(self, user: str, session: str, messages: Sequence[Mapping[str, Any]] | Turn) -> Turn:
        """Keep one turn, and return it with its number."""
        ...

    def summary(self, user: str, session: str) -> Summary | None:
        """Return the summary of a conversation, None when there is none."""
        ...

    def set_summary(self, user: str, session: str, text: str, reaches: int) -> None:
        """Keep a summary, unless there is one that reaches further."""
        ...

    def sessions(self, user: str) -> tuple[Session, ...]:
        """Return a user's conversations that have not expired, the last used first."""
        ...

    def export(self, user: str) -> dict[str, Any]:
        """Return all there is of a user, as plain JSON."""
        ...

    def held(self, user: str) -> Counted:
        """Return how much there is of a user, also of what has expired and is not deleted yet."""
        ...

    def erase(self, user: str) -> Counted:
        """Delete all there is of a user, for good; an unknown one is fine."""
        ...

    def purge(self, *, undeclared: bool = False) -> Counted:
        """Delete what has expired, of all users; also the fields that are declared no more."""
        ...

    def counted(self) -> Counted:
        """Return how much there is."""
        ...

    def close(self) -> None:
        """Give back what is held open; the memory can still be used."""
        ...
