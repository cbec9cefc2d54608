"""Everything a rendering needs, gathered: inputs, profile, conversation, what is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunectl.prompts.cleaning import cleaned, inert
from tunectl.prompts.errors import PromptError
from tunectl.prompts.sections import Given, Sections
from tunectl.prompts.sources import Sources, inert_passages

if TYPE_CHECKING:
    from tunectl.prompts.history import Summariser
    from tunectl.prompts.turn import Turn

LONGEST_SAID = 500
"""Characters of a former question that are searched for."""

Summarise = Callable[[str, "Sequence[Turn]"], str]
"""Asks a model for a summary: the one before (empty: none) and the turns since."""


@dataclass(frozen=True, slots=True)
class Gathering:
    """Where a prompt's values come from.

    Attributes:
        sections: the compiled sections.
        memory: what the artefact says of the memory; None without one.
        sources: what is read.
        engine: renders what is searched for.
        summarise: asks a model for a summary.
    """

    sections: Sequence[Mapping[str, Any]]
    memory: Mapping[str, Any] | None
    sources: Sources
    engine: Sections
    summarise: Summarise | None = None

    def given(
        self,
        values: Mapping[str, Any],
        user: str | None,
        session: str | None,
        *,
        profile: Mapping[str, Any] | None,
        history: Sequence[Mapping[str, Any]] | None,
        documents: Sequence[Any] | Mapping[str, Sequence[Any]] | None,
    ) -> Given:
        """Return what a rendering is made of.

        Args:
            values: the inputs, checked.
            user: whose profile and conversation it is.
            session: which conversation.
            profile: in place of what the memory says.
            history: the same.
            documents: in place of a search.

        Raises:
            PromptError: something cannot be read, or does not fit what is declared.
        """
        said = {
            name: _name(name, one)
            for name, one in (("user", user), ("session", session))
            if one is not None
        }
        known = self._profile(user, profile)
        scope = {**values, **said, "profile": known}
        turns = self._turns(user, session, history)
        return Given(
            scope=scope,
            profile=known,
            turns=turns,
            passages=self._passages(scope, turns, documents),
            examples=self._examples(scope, turns),
            summarise=self._summariser(user, session, stored=history is None) if turns else None,
        )

    def _profile(self, user: str | None, given: Mapping[str, Any] | None) -> dict[str, Any]:
        """Return the fields that may be said; of those given too only the declared ones."""
        if given is not None:
            from tunectl.prompts.memory.profile import Profile

            memory = self.memory or {}
            rules = Profile(str(memory.get("name") or "none"), memory.get("profile") or {})
            said = rules.injected(rules.checked(given))
        elif user is not None and self.sources.has_memory:
            said = self.sources.memory().injected(user)
        else:
            return {}
        return {name: inert(value, f"field `{name}`") for name, value in said.items()}

    def _turns(
        self, user: str | None, session: str | None, given: Sequence[Mapping[str, Any]] | None
    ) -> Sequence[Turn]:
        if not any(one["role"] == "history" or one.get("query_turns") for one in self.sections):
            return ()
        if given is not None:
            from tunectl.prompts.turn import turns_of

            return turns_of(given)
        if user is None or session is None or not self.sources.has_memory:
            return ()
        return self.sources.memory().turns(user, session)

    def _passages(
        self,
        scope: Mapping[str, Any],
        turns: Sequence[Turn],
        given: Sequence[Any] | Mapping[str, Sequence[Any]] | None,
    ) -> dict[str, Any]:
        wanted = [one for one in self.sections if one["role"] == "documents"]
        if isinstance(given, Mapping):
            return {str(name): inert_passages(found) for name, found in given.items()}
        if isinstance(given, str):
            raise PromptError("`documents` is a list of passages, not one text")
        if given is not None:
            return {wanted[0]["id"]: inert_passages(given)} if wanted else {}
        return {
            one["id"]: self.sources.passages(one, self._query(one, scope, turns)) for one in wanted
        }

    def _examples(self, scope: Mapping[str, Any], turns: Sequence[Turn]) -> dict[str, Any]:
        return {
            one["id"]: self.sources.examples(one, self._query(one, scope, turns))
            for one in self.sections
            if one["role"] == "examples" and one.get("index")
        }

    def _query(
        self, section: Mapping[str, Any], scope: Mapping[str, Any], turns: Sequence[Turn]
    ) -> str:
        """Return what is searched for: the inputs, and as declared what the user said before."""
        if number := section.get("query_turns"):
            scope = {**scope, "history": said_before(turns, number)}
        return self.engine.query(section, scope)

    def _summariser(
        self, user: str | None, session: str | None, *, stored: bool
    ) -> Summariser | None:
        if self.summarise is None:
            return None
        if stored and user is not None and session is not None:
            from tunectl.prompts.memory import SessionSummary

            return SessionSummary(self.sources.memory(), user, session, self.summarise)
        return _Once(self.summarise)


def said_before(turns: Sequence[Turn], number: int) -> str:
    """Return what the user said in the last turns, the oldest first, a line each.

    Of each at most `LONGEST_SAID` characters: a search weighs what is long more than what is asked.
    """
    return "\n".join(cleaned(one.question)[:LONGEST_SAID] for one in turns[-number:])


def _name(what: str, given: object) -> str:
    """Return whose or which conversation it is, as templates may say it.

    Raises:
        PromptError: it is no text, such as the number of a row.
    """
    if not isinstance(given, str):
        raise PromptError(f"`{what}` must be a text, not {type(given).__name__}")
    return cleaned(given)


@dataclass(frozen=True, slots=True)
class _Once:
    """Summarises a conversation that nobody keeps."""

    ask: Summarise

    @property
    def reaches(self) -> int:
        """No turn is summarised yet."""
        return 0

    def __call__(self, turns: Sequence[Turn]) -> str:
        """Ask for the summary."""
        return self.ask("", turns)
