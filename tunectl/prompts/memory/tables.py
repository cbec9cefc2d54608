"""The tables of a memory, as steps from one version to the next.

Law: a step that was ever released is never edited; what is newer than the last of them is refused.
`space` tells the memories of one database apart; `SCHEMA.` is where the tables lie.
"""

from __future__ import annotations

STEPS: tuple[tuple[str, ...], ...] = (
    (
        """create table SCHEMA.profiles (
            space text not null, person text not null, field text not null,
            value text not null, at double precision not null,
            primary key (space, person, field))""",
        """create table SCHEMA.sessions (
            space text not null, person text not null, session text not null,
            created double precision not null, touched double precision not null,
            last bigint not null,
            primary key (space, person, session))""",
        "create index sessions_by_use on SCHEMA.sessions (space, touched)",
        """create table SCHEMA.turns (
            space text not null, person text not null, session text not null,
            number bigint not null, token text not null, at double precision not null,
            messages text not null,
            primary key (space, person, session, number))""",
    ),
    (
        """create table SCHEMA.summaries (
            space text not null, person text not null, session text not null,
            reaches bigint not null, at double precision not null, text text not null,
            primary key (space, person, session))""",
    ),
)
"""Statements of each version, the first is version 1."""

VERSION = len(STEPS)
TABLES = ("profiles", "turns", "summaries", "sessions")
