"""A memory over any database: who a user is, what is kept, and when it is forgotten.

Laws: what has expired is returned by nothing and is deleted by the next write; of each conversation
at most the declared number of turns is kept; a profile holds declared fields alone; after `erase`
nothing of a user is in any table.
"""

from __future__ import annotations

import json
import secrets
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import tunectl.prompts.memory.statements as sql
from tunectl.prompts.errors import PromptError
from tunectl.prompts.memory.database import Database, Row, Run
from tunectl.prompts.memory.profile import Profile
from tunectl.prompts.memory.protocol import Counted, Session, Summary
from tunectl.prompts.memory.tables import TABLES
from tunectl.prompts.turn import Turn, turn_of

EXPORT_FORMAT = 1
_MANY = 2**31 - 1
_LONGEST_NAME = 1000


class KeptMemory:
    """Profiles and conversations in a database."""

    def __init__(
        self,
        database: Database,
        profile: Profile,
        *,
        expires_after_s: float | None = None,
        max_turns: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Describe it; the database is opened when it is first used.

        Args:
            database: what keeps it.
            profile: the declared fields.
            expires_after_s: seconds after its last turn until a conversation is forgotten.
            max_turns: how many turns of a conversation are kept.
            clock: gives Unix time in seconds.
        """
        self.name = profile.memory
        self._database = database
        self._profile = profile
        self._expires = expires_after_s
        self._max = max_turns
        self._clock = clock

    def profile(self, user: str) -> dict[str, Any]:
        """Return the declared fields that are known of a user, with their defaults."""
        return self._profile.known(self._stored(user))

    def injected(self, user: str) -> dict[str, Any]:
        """Return of these what a prompt may say: the fields with `inject: true`."""
        return self._profile.injected(self._stored(user))

    def set_profile(self, user: str, fields: Mapping[str, Any]) -> None:
        """Keep values of declared fields; None forgets one.

        Raises:
            ProfileError: a field is not declared or a value does not fit; nothing is kept then.
            MemoryStoreError: the database cannot be used.
        """
        who, checked = self._who(user), self._profile.checked(fields)
        now = self._clock()

        def work(run: Run) -> None:
            self._forget_expired(run)
            for field, value in checked.items():
                if value is None:
                    run(sql.REMOVE_FIELD, {**who, "field": field})
                else:
                    run(sql.KEEP_FIELD, {**who, "field": field, "value": _json(value), "at": now})

        self._database.write(work)

    def turns(self, user: str, session: str, limit: int | None = None) -> tuple[Turn, ...]:
        """Return the newest turns of a conversation, oldest first; none when it has expired."""
        most = min(self._max or _MANY, _MANY if limit is None else max(limit, 0))
        values = {**self._which(user, session), "since": self._since(), "most": most}
        rows = self._rows(sql.TURNS, values)
        return tuple(_turn(row) for row in reversed(rows))

    def append(self, user: str, session: str, messages: Sequence[Mapping[str, Any]] | Turn) -> Turn:
        """Keep one turn, and return it with its number.

        Raises:
            PromptError: the messages are no turn.
            MemoryStoreError: the database cannot be used.
        """
        one = turn_of(messages.messages if isinstance(messages, Turn) else messages)
        which, now = self._which(user, session), self._clock()
        # A transaction whose reply was lost is done again; its turn must not be kept twice.
        token, text = secrets.token_hex(8), _json([dict(message) for message in one.messages])

        def work(run: Run) -> int:
            self._forget_expired(run)
            done = run(sql.BY_TOKEN, {**which, "token": token})
            if done:
                return int(done[0][0])
            number = int(run(sql.NEXT_NUMBER, {**which, "at": now})[0][0])
            values = {**which, "number": number, "token": token, "at": now, "messages": text}
            run(sql.KEEP_TURN, values)
            if self._max is not None:
                run(sql.REMOVE_TURNS, {**which, "number": number - self._max})
            return number

        return replace(one, number=self._database.write(work), at=now)

    def summary(self, user: str, session: str) -> Summary | None:
        """Return the summary of a conversation, None when there is none or it has expired."""
        values = {**self._which(user, session), "since": self._since()}
        rows = self._rows(sql.SUMMARY, values)
        return Summary(str(rows[0][0]), int(rows[0][1]), float(rows[0][2])) if rows else None

    def set_summary(self, user: str, session: str, text: str, reaches: int) -> None:
        """Keep a summary, unless there is one that reaches further, or the conversation is gone."""
        values = {
            **self._which(user, session),
            "text": _sound(text),
            "reaches": reaches,
            "at": self._clock(),
        }

        def work(run: Run) -> None:
            self._forget_expired(run)
            run(sql.KEEP_SUMMARY, values)

        self._database.write(work)

    def sessions(self, user: str) -> tuple[Session, ...]:
        """Return a user's conversations that have not expired, the last used first."""
        values = {**self._who(user), "since": self._since()}
        rows = self._rows(sql.SESSIONS, values)
        most = self._max or _MANY
        return tuple(
            Session(str(row[0]), float(row[1]), float(row[2]), min(int(row[3]), most))
            for row in rows
        )

    def export(self, user: str) -> dict[str, Any]:
        """Return all there is of a user, as plain JSON; fields that are declared no more, too."""
        who = self._who(user)
        rows = self._rows(sql.FIELDS, who)
        return {
            "format": EXPORT_FORMAT,
            "memory": self.name,
            "user": who["person"],
            "exported_at": _iso(self._clock()),
            "profile": {str(field): self._field(str(field), v, at) for field, v, at in rows},
            "sessions": [self._session(user, one) for one in self.sessions(user)],
        }

    def held(self, user: str) -> Counted:
        """Return how much there is of a user, also of what has expired and is not deleted yet."""
        who = self._who(user)
        return self._database.read(lambda run: _held(run, who), Counted())

    def erase(self, user: str) -> Counted:
        """Delete all there is of a user, for good, and return how much it was.

        Raises:
            MemoryStoreError: it is not certain that all is gone; do it again.
        """
        who = self._who(user)

        def work(run: Run) -> Counted:
            found = _held(run, who)
            for table in TABLES:
                run(sql.remove(table, sql.OF_PERSON), who)
            return found

        if self._database.read(lambda _: True, otherwise=False):
            found = self._database.write(work)
            self._database.scrub()  # also of what an erasure before left, that could not end
            return found
        return Counted()

    def purge(self, *, undeclared: bool = False) -> Counted:
        """Delete what has expired, of all users; also the fields that are declared no more."""

        def work(run: Run) -> Counted:
            done = self._forget_expired(run)
            return replace(done, fields=self._forget_undeclared(run)) if undeclared else done

        if not self._database.read(lambda _: True, otherwise=False):
            return Counted()
        done = self._database.write(work)
        if done:
            self._database.scrub()
        return done

    def counted(self) -> Counted:
        """Return how much there is, of all users; what has expired is not counted."""
        values = {"space": self._database.space, "since": self._since()}

        def work(run: Run) -> Counted:
            (row,) = run(sql.COUNTED, values)
            return Counted(*(int(number) for number in row))

        return self._database.read(work, Counted())

    def close(self) -> None:
        """Give the connections back; the memory can still be used."""
        self._database.close()

    def _rows(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        none: list[Row] = []
        return self._database.read(lambda run: run(statement, values), none)

    def _stored(self, user: str) -> dict[str, Any]:
        who = self._who(user)
        rows = self._rows(sql.FIELDS, who)
        return {str(field): json.loads(value) for field, value, _ in rows}

    def _field(self, name: str, value: str, at: float) -> dict[str, Any]:
        rule = self._profile.fields.get(name)
        return {
            "value": json.loads(value),
            "at": _iso(at),
            "declared": rule is not None,
            "personal": rule is None or rule.get("personal") is not False,
        }

    def _session(self, user: str, one: Session) -> dict[str, Any]:
        summary = self.summary(user, one.id)
        return {
            "session": one.id,
            "created_at": _iso(one.created),
            "last_at": _iso(one.touched),
            "summary": None
            if summary is None
            else {"text": summary.text, "reaches": summary.reaches, "at": _iso(summary.at)},
            "turns": [
                {"number": t.number, "at": _iso(t.at), "messages": [dict(m) for m in t.messages]}
                for t in self.turns(user, one.id)
            ],
        }

    def _since(self) -> float:
        """The time of the last turn from which on a conversation counts."""
        return 0.0 if self._expires is None else self._clock() - self._expires

    def _forget_expired(self, run: Run) -> Counted:
        if self._expires is None:
            return Counted()
        values = {"space": self._database.space, "since": self._since()}
        gone = run(sql.REMOVE_EXPIRED, values)
        turns = summaries = 0
        for person, session in gone:
            which = {"space": self._database.space, "person": person, "session": session}
            turns += int(run(sql.count("turns", sql.OF_SESSION), which)[0][0])
            summaries += int(run(sql.count("summaries", sql.OF_SESSION), which)[0][0])
            for table in ("turns", "summaries"):
                run(sql.remove(table, sql.OF_SESSION), which)
        users = len({person for person, _ in gone})
        return Counted(users=users, sessions=len(gone), turns=turns, summaries=summaries)

    def _forget_undeclared(self, run: Run) -> int:
        space = {"space": self._database.space}
        left = [row[0] for row in run(sql.FIELD_NAMES, space) if row[0] not in self._profile.fields]
        removed = 0
        for field in left:
            values = {**space, "field": field}
            removed += int(run(sql.count("profiles", "field = :field"), values)[0][0])
            run(sql.remove("profiles", "field = :field"), values)
        return removed

    def _who(self, user: str) -> dict[str, Any]:
        return {"space": self._database.space, "person": _name(user, "a user's id")}

    def _which(self, user: str, session: str) -> dict[str, Any]:
        return {**self._who(user), "session": _name(session, "the name of a session")}


def _held(run: Run, who: Mapping[str, Any]) -> Counted:
    def rows(table: str) -> int:
        return int(run(sql.count(table, sql.OF_PERSON), who)[0][0])

    fields, sessions = rows("profiles"), rows("sessions")
    turns, summaries = rows("turns"), rows("summaries")
    return Counted(int(bool(fields + sessions)), fields, sessions, turns, summaries)


def _name(text: object, what: str) -> str:
    """Return an id as it is kept: the same whichever way its letters were composed."""
    if not isinstance(text, str) or not text:
        raise PromptError(f"{what} is a text, and not empty")
    named = unicodedata.normalize("NFC", str(text))
    if len(named) > _LONGEST_NAME or "\0" in named or named != _sound(named):
        raise PromptError(f"{what} has at most {_LONGEST_NAME} characters, all of them Unicode's")
    return named


def _sound(text: str) -> str:
    """Return text that UTF-8 and every database can hold: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _json(value: object) -> str:
    """Return JSON that UTF-8 can hold; a NUL is written as an escape."""
    return _sound(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _turn(row: Row) -> Turn:
    number, at, messages = row
    return Turn(tuple(json.loads(messages)), int(number), float(at))


def _iso(at: float) -> str:
    found = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return found.replace("+00:00", "Z")
