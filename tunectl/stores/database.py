"""One PostgreSQL database as the store reaches it: address, connection, and errors in our words.

Every statement is a transaction of its own, uses nothing that belongs to a session (no prepared
statements, no session locks, no settings), and may be sent twice: what it writes carries a token.
So it works through poolers that hand out a connection per transaction, and a connection that was
lost after a commit does no harm.

Law: a password stands in no message.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, StateError
from tunectl.stores.bucket import refused

if TYPE_CHECKING:
    import psycopg

PAUSES = (0.1, 0.5, 2.0)  # seconds before a statement is sent again on a new connection
SCHEMA = "tunectl"

Row = tuple[Any, ...]

_NAME = re.compile(r"[^\W\d]\w{0,62}")
# libpq's own names (PostgreSQL documentation 34.1.2): a dead network is noticed in half a minute.
_CONNECTION: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30000,
    "application_name": "tunectl",
}
_LOGIN = "set PGPASSWORD, or use ~/.pgpass or PGSERVICE; `${env.X}` may stand in `state:`"
# SQLSTATE classes and codes: PostgreSQL documentation, appendix A.
_AGAIN = ("08", "40", "57P")
_DENIED = ("28", "42501")


@dataclass(frozen=True, slots=True)
class Location:
    """Where the state is.

    Attributes:
        conninfo: the address for libpq, with whatever credentials it was given.
        place: the same for people, without them.
        secret: the password, to be masked wherever it turns up.
        prefix: before every name, empty or ending in a slash.
    """

    conninfo: str = field(repr=False)
    place: str
    secret: str = field(default="", repr=False)
    schema: str = SCHEMA
    prefix: str = ""


def location(address: str) -> Location:
    """Read a `state:` address: `postgresql://[user@]host[:port]/database[/prefix][?schema=…]`.

    `prefix` may also stand in the query; what else stands there goes to libpq (`sslmode=…`).

    Raises:
        ConfigError: it cannot be used.
    """
    try:
        parts = urlsplit(address)
        strict = bool(parts.query)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=strict))
        secret = unquote(parts.password or "") or given.get("password", "")
    except ValueError as error:
        raise _config("the PostgreSQL address in `state:` is not a URL") from error
    database, _, path = parts.path.removeprefix("/").partition("/")
    schema = given.pop("schema", SCHEMA)
    prefix = "/".join(filter(None, (unquote(path).strip("/"), given.pop("prefix", "").strip("/"))))
    if _NAME.fullmatch(schema) is None:
        raise _config(f"`schema={schema}` is no name of a schema", "use letters, digits and `_`")
    query = f"?{urlencode(given, quote_via=quote)}" if given else ""
    return Location(
        conninfo=f"postgresql://{parts.netloc}/{database}{query}",
        place=f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}",
        secret=secret,
        schema=schema,
        prefix=f"{prefix}/" if prefix else "",
    )


def _config(summary: str, hint: str = "write `postgresql://user@host/database`") -> ConfigError:
    return ConfigError.of(summary, hint=hint, code="state-address")


class Database:
    """One connection, made when it is needed and again when it is lost. Thread-safe."""

    def __init__(self, at: Location, pauses: Sequence[float] = PAUSES) -> None:
        self.at = at
        self._pauses = tuple(pauses)
        self._guard = threading.RLock()
        self._connection: psycopg.Connection[Row] | None = None
        self._pid = 0
        self._made = False

    def read(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        """Return rows; none where nothing was ever written.

        Raises:
            StateError: that cannot be told.
        """
        errors = _driver().errors
        try:
            return self._again(statement, values)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            return []

    def write(self, statement: str, values: Mapping[str, Any]) -> list[Row]:
        """Change something and return rows; the tables are made where they are missing.

        The statement may be sent more than once.

        Raises:
            StateError: it may or may not have taken effect.
        """
        errors = _driver().errors
        try:
            return self._again(statement, values)
        except (errors.UndefinedTable, errors.InvalidSchemaName):
            self._make()
        try:
            return self._again(statement, values)
        except (errors.UndefinedTable, errors.InvalidSchemaName) as error:
            raise self._foreign(error) from error

    def close(self) -> None:
        """Give the connection back; the next statement makes a new one."""
        with self._guard:
            if self._connection is not None and self._pid == os.getpid():
                self._connection.close()
            self._connection = None

    def _make(self) -> None:
        """Make schema and tables; many clients may do so at once."""
        names = {"schema": self._schema}
        if not self._again("select to_regnamespace(%(schema)s)", names)[0][0]:
            self._again(f"{_ALONE}; create schema if not exists {self._schema}", None)
        self._again(f"{_ALONE}; {_TABLES.replace('SCHEMA', self._schema)}", None)

    @property
    def _schema(self) -> str:
        return f'"{self.at.schema}"'

    def _again(self, statement: str, values: Mapping[str, Any] | None) -> list[Row]:
        import psycopg
        from psycopg import errors

        text = statement.replace("SCHEMA", self._schema)
        for pause in (*self._pauses, None):
            try:
                return self._once(text, values)
            except (errors.UndefinedTable, errors.InvalidSchemaName):
                raise
            except psycopg.Error as error:
                problem = self._told(error)
                if pause is None or not _may_pass(error):
                    raise problem from None
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, statement: str, values: Mapping[str, Any] | None) -> list[Row]:
        import psycopg

        with self._guard:
            connection = self._connected()
            try:
                cursor = connection.execute(statement, values)
                return cursor.fetchall() if cursor.description else []
            except psycopg.OperationalError:
                self.close()
                raise

    def _connected(self) -> psycopg.Connection[Row]:
        """Return the connection of this process: a forked child must not use its parent's."""
        psycopg = _driver()
        if self._connection is None or self._connection.closed or self._pid != os.getpid():
            from psycopg.conninfo import conninfo_to_dict

            given = conninfo_to_dict(self.at.conninfo)
            settings = {k: v for k, v in _CONNECTION.items() if k not in given}
            self._connection = psycopg.connect(
                self.at.conninfo, autocommit=True, prepare_threshold=None, **settings
            )
            self._pid = os.getpid()
        return self._connection

    def _told(self, error: psycopg.Error) -> StateError:
        said = " ".join(str(error).split())
        if self.at.secret:
            said = said.replace(self.at.secret, "…")
        state = error.sqlstate or _guessed(said)
        if state.startswith(_DENIED):
            return refused(self.at.place, said, _LOGIN)
        if state.startswith("42"):
            return self._foreign(error)
        if not error.sqlstate and not state:
            return StateError.of(
                f"the database `{self.at.place}` does not answer",
                detail=said,
                hint="check the network and the `state:` address; nothing is taken as missing",
                code="state-unreachable",
            )
        return StateError.of(
            f"the database `{self.at.place}` refused the request",
            detail=f"{said} (SQLSTATE {state})",
            hint=next((h for code, h in _HINTS.items() if state.startswith(code)), _HINT),
            code="state-unusable",
        )

    def _foreign(self, error: psycopg.Error) -> StateError:
        return StateError.of(
            f"the schema `{self.at.schema}` in `{self.at.place}` is not tunectl's",
            detail=" ".join(str(error).split()),
            hint="name another one with `?schema=`, or drop the tables that are not ours",
            code="state-foreign",
        )


def _driver() -> Any:  # noqa: ANN401  # a module
    try:
        import psycopg
    except ImportError as error:
        raise StateError.of(
            "state in PostgreSQL needs the package psycopg",
            hint="pip install 'tunectl[postgres]'",
            code="state-driver",
        ) from error
    return psycopg


def _guessed(said: str) -> str:
    """Return the SQLSTATE of a refused connection: libpq tells it in words only."""
    for words, state in _WORDS.items():
        if re.search(words, said):
            return state
    return ""


def _may_pass(error: psycopg.Error) -> bool:
    import psycopg

    if error.sqlstate:
        return error.sqlstate.startswith(_AGAIN)
    return isinstance(error, psycopg.OperationalError) and not _guessed(str(error))


_WORDS = {
    "password authentication failed|no password supplied|no pg_hba.conf entry": "28P01",
    r"role \".*\" (does not exist|is not permitted)|authentication": "28000",
    r"database \".*\" does not exist": "3D000",
    "invalid (URI|connection option|port|integer|sslmode)": "22023",
}
_HINT = "see the server's log"
_HINTS = {
    "3D000": "make it with `createdb`, or correct `state:`",
    "25006": "it is a read-only copy or in recovery; name the primary server in `state:`",
    "53": "the server is out of space or of connections",
    "22023": "check the query of the `state:` address",
}

# Two clients that make the same table at once would collide in the catalogue.
_ALONE = "select pg_advisory_xact_lock(7306099482531)"
_TABLES = """
create table if not exists SCHEMA.files (
    prefix text not null, name text not null, generation text not null, content bytea not null,
    written timestamptz not null default clock_timestamp(),
    primary key (prefix, name));
create table if not exists SCHEMA.batches (
    id bigserial primary key, prefix text not null, name text not null,
    token text not null unique, content bytea not null);
create index if not exists batches_by_name on SCHEMA.batches (prefix, name, id);
create table if not exists SCHEMA.locks (
    prefix text not null, name text not null, generation text not null, content bytea not null,
    written timestamptz not null, primary key (prefix, name))
"""
