"""The statements of a memory, as SQLite (3.35 and later) and PostgreSQL both read them."""

from __future__ import annotations

OF_PERSON = "person = :person"
OF_SESSION = "person = :person and session = :session"
_MINE = f"space = :space and {OF_PERSON}"
_THIS = f"space = :space and {OF_SESSION}"


def count(table: str, which: str) -> str:
    """Return the statement that counts rows of this memory."""
    return f"select count(*) from SCHEMA.{table} where space = :space and {which}"  # noqa: S608


def remove(table: str, which: str) -> str:
    """Return the statement that deletes rows of this memory."""
    return f"delete from SCHEMA.{table} where space = :space and {which}"  # noqa: S608


FIELDS = f"select field, value, at from SCHEMA.profiles where {_MINE} order by field"  # noqa: S608
FIELD_NAMES = "select distinct field from SCHEMA.profiles where space = :space"
KEEP_FIELD = """
insert into SCHEMA.profiles (space, person, field, value, at)
values (:space, :person, :field, :value, :at)
on conflict (space, person, field) do update set value = excluded.value, at = excluded.at"""
REMOVE_FIELD = f"delete from SCHEMA.profiles where {_MINE} and field = :field"  # noqa: S608

# One statement takes the number, so two that append at once get two numbers.
NEXT_NUMBER = """
insert into SCHEMA.sessions as s (space, person, session, created, touched, last)
values (:space, :person, :session, :at, :at, 1)
on conflict (space, person, session)
do update set touched = case when s.touched > excluded.touched then s.touched
    else excluded.touched end, last = s.last + 1
returning last"""
KEEP_TURN = """
insert into SCHEMA.turns (space, person, session, number, token, at, messages)
values (:space, :person, :session, :number, :token, :at, :messages)"""
BY_TOKEN = f"select number from SCHEMA.turns where {_THIS} and token = :token"  # noqa: S608
REMOVE_TURNS = f"delete from SCHEMA.turns where {_THIS} and number <= :number"  # noqa: S608
TURNS = """
select t.number, t.at, t.messages from SCHEMA.turns t
join SCHEMA.sessions s
    on s.space = t.space and s.person = t.person and s.session = t.session
where t.space = :space and t.person = :person and t.session = :session and s.touched >= :since
order by t.number desc limit :most"""

SUMMARY = """
select u.text, u.reaches, u.at from SCHEMA.summaries u
join SCHEMA.sessions s
    on s.space = u.space and s.person = u.person and s.session = u.session
where u.space = :space and u.person = :person and u.session = :session and s.touched >= :since"""
KEEP_SUMMARY = f"""
insert into SCHEMA.summaries as u (space, person, session, reaches, at, text)
select space, person, session, :reaches, :at, :text from SCHEMA.sessions where {_THIS}
on conflict (space, person, session)
do update set reaches = excluded.reaches, at = excluded.at, text = excluded.text
where u.reaches <= excluded.reaches"""  # noqa: S608

SESSIONS = """
select s.session, s.created, s.touched,
    (select count(*) from SCHEMA.turns t
     where t.space = s.space and t.person = s.person and t.session = s.session)
from SCHEMA.sessions s
where s.space = :space and s.person = :person and s.touched >= :since
order by s.touched desc, s.session"""
REMOVE_EXPIRED = """
delete from SCHEMA.sessions where space = :space and touched < :since
returning person, session"""

COUNTED = """
select
    (select count(*) from (
        select person from SCHEMA.profiles where space = :space
        union select person from SCHEMA.sessions where space = :space and touched >= :since) p),
    (select count(*) from SCHEMA.profiles where space = :space),
    (select count(*) from SCHEMA.sessions where space = :space and touched >= :since),
    (select count(*) from SCHEMA.turns t join SCHEMA.sessions s
        on s.space = t.space and s.person = t.person and s.session = t.session
        where s.space = :space and s.touched >= :since),
    (select count(*) from SCHEMA.summaries u join SCHEMA.sessions s
        on s.space = u.space and s.person = u.person and s.session = u.session
        where s.space = :space and s.touched >= :since)"""
