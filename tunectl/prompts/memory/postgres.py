"""PostgreSQL as what keeps a memory: `postgresql://user:password@host/database[?schema=NAME]`.

The URL stands in a variable of the environment. Nothing is used that belongs to a session of the
database, so that poolers work. A transaction that failed for a passing reason is done again; what
it writes carries a token where doing it twice would do harm.

Laws: neither the URL nor a value of a statement stands in a message; what the server says is told
by its code alone, for its words repeat values.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from tunectl.prompts.memory.database import Pool, Row, T, Values, Work
from tunectl.prompts.memory.protocol import MemoryStoreError
from tunectl.prompts.memory.tables import STEPS, TABLES, VERSION

if TYPE_CHECKING:
    import psycopg

SCHEMA = "tunectl_memory"
PAUSES = (0.1, 0.5)  # seconds before a transaction is done again

_NAME = re.compile(r"[^\W\d]\w{0,62}")
_VALUE = re.compile(r"(?<![:\w]):(\w+)")
# libpq's own names (PostgreSQL documentation 34.1.2): a dead network is noticed in half a minute.
_CONNECTION: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30000,
    "application_name": "tunectl",
    "client_encoding": "UTF8",
}
# SQLSTATE classes and codes: PostgreSQL documentation, appendix A.
_AGAIN = ("08", "40", "57P")
_WORDS = {
    "28": "it refuses the user or the password",
    "3D": "there is no such database",
    "42501": "the user may not do that; it needs a schema of its own",
    "42": "its tables are not those of a memory; name another schema with `?schema=`",
    "25006": "it is read-only; name the primary server",
    "53": "it is out of space or of connections",
}
_ALONE = "select pg_advisory_xact_lock(7306099482532)"  # makers of the same table would collide


class PostgresDatabase:
    """A memory in a schema of a database."""

    def __init__(
        self, url: str, variable: str, space: str, pauses: Sequence[float] = PAUSES
    ) -> None:
        """Describe it; nothing is asked yet.

        Args:
            url: the value of the variable.
            variable: its name, by which messages speak of the database.
            space: the memory's own part of it.
            pauses: seconds before each repetition of a transaction.

        Raises:
            MemoryStoreError: it is no such URL.
        """
        self.space = space
        self._label = f"the database that `{variable}` names"
        self._conninfo, self._schema = _address(url, variable)
        self._pauses = tuple(pauses)
        self._known = False
        self._pool: Pool[psycopg.Connection[Row]] = Pool(self._connect, lambda one: one.close())

    def read(self, work: Work[T], otherwise: T) -> T:
        """Do something that changes nothing; `otherwise` where nothing was ever written.

        Raises:
            MemoryStoreError: the database cannot be reached or used.
        """
        return self._again(work) if self._ready(make=False) else otherwise

    def write(self, work: Work[T]) -> T:
        """Change something in one transaction.

        Raises:
            MemoryStoreError: the database cannot be reached or used; it may be changed where the
                reply was lost.
        """
        self._ready(make=True)
        return self._again(work)

    def scrub(self) -> None:
        """Let the server reuse what was deleted; its own log and backups are its keeper's.

        Raises:
            MemoryStoreError: the database cannot be reached.
        """
        if not self._ready(make=False):
            return
        import psycopg

        try:
            with self._pool.use(lambda one: not one.closed) as connection:
                for table in TABLES:
                    connection.execute(self._written(f"vacuum SCHEMA.{table}").encode())
        except psycopg.Error as error:
            raise self._told(error) from None

    def close(self) -> None:
        """Give the connections back; the memory can still be used."""
        self._pool.clear()

    def _ready(self, *, make: bool) -> bool:
        """Whether the tables are there, in this version; they are made or brought to it."""
        if self._known:
            return True
        version = self._again(self._version)
        if version > VERSION:
            raise MemoryStoreError(
                f"the memory in {self._label} was made by a newer tunectl (version {version}; "
                f"{VERSION} is known): upgrade tunectl"
            )
        if version == 0 and not make:
            return False
        if version < VERSION:
            self._again(self._upgrade)
        self._known = True
        return True

    def _version(self, run: Any) -> int:  # noqa: ANN401  # what a transaction is given
        named = {"table": f'"{self._schema}".version'}
        if run("select to_regclass(:table)", named)[0][0] is None:
            return 0
        rows = run("select max(version) from SCHEMA.version", {})
        return int(rows[0][0] or 0)

    def _upgrade(self, run: Any) -> None:  # noqa: ANN401  # what a transaction is given
        run(_ALONE, {})
        if run("select to_regnamespace(:schema)", {"schema": f'"{self._schema}"'})[0][0] is None:
            run(f'create schema if not exists "{self._schema}"', {})
        run("create table if not exists SCHEMA.version (version integer not null)", {})
        for number, step in enumerate(STEPS[self._version(run) :], self._version(run) + 1):
            for statement in step:
                run(statement, {})
            run("insert into SCHEMA.version (version) values (:number)", {"number": number})

    def _again(self, work: Work[T]) -> T:
        psycopg = _driver()
        for pause in (*self._pauses, None):
            try:
                return self._once(work)
            except psycopg.Error as error:
                problem = self._told(error)
                if pause is None or not _may_pass(error):
                    raise problem from None
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, work: Work[T]) -> T:
        with self._pool.use(lambda one: not one.closed) as connection, connection.transaction():

            def run(statement: str, values: Values) -> list[Row]:
                cursor = connection.execute(self._written(statement).encode(), values)
                return cursor.fetchall() if cursor.description else []

            return work(run)

    def _connect(self) -> psycopg.Connection[Row]:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict

        try:
            given = conninfo_to_dict(self._conninfo)
        except psycopg.ProgrammingError:  # it repeats what it was given
            raise MemoryStoreError(f"{self._label}: its URL cannot be read") from None
        settings = {k: v for k, v in _CONNECTION.items() if k not in given}
        return psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None, **settings)

    def _written(self, statement: str) -> str:
        return _written(statement, self._schema)

    def _told(self, error: psycopg.Error) -> MemoryStoreError:
        state = error.sqlstate or _guessed(str(error))
        for code, words in _WORDS.items():
            if state.startswith(code):
                return MemoryStoreError(f"{self._label} cannot be used: {words}")
        if state:
            return MemoryStoreError(f"{self._label} refused the request (SQLSTATE {state})")
        return MemoryStoreError(f"{self._label} does not answer; nothing is taken as missing")


@lru_cache(maxsize=256)
def _written(statement: str, schema: str) -> str:
    return _VALUE.sub(r"%(\1)s", statement).replace("SCHEMA.", f'"{schema}".')


def _address(url: str, variable: str) -> tuple[str, str]:
    """Return what libpq is told, and the schema."""
    try:
        parts = urlsplit(url.strip())
        given = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
    except ValueError:
        parts, given = urlsplit(""), {}
    schema = given.pop("schema", SCHEMA)
    if parts.scheme not in {"postgresql", "postgres"} or not _NAME.fullmatch(schema):
        raise MemoryStoreError(
            f"`{variable}` holds no `postgresql://user:password@host/database`; its value is not "
            "shown"
        )
    query = f"?{urlencode(given, quote_via=quote)}" if given else ""
    return f"postgresql://{parts.netloc}{parts.path}{query}", schema


def _driver() -> Any:  # noqa: ANN401  # a module
    try:
        import psycopg
    except ImportError as error:
        raise MemoryStoreError(
            "a memory in PostgreSQL needs the package psycopg: pip install 'tunectl[postgres]'"
        ) from error
    return psycopg


def _guessed(said: str) -> str:
    """Return the SQLSTATE of a refused connection: libpq tells it in words only."""
    if re.search(r"password|pg_hba.conf|authentication|role \".*\" does not exist", said):
        return "28P01"
    return "3D000" if re.search(r"database \".*\" does not exist", said) else ""


def _may_pass(error: psycopg.Error) -> bool:
    import psycopg

    if error.sqlstate:
        return error.sqlstate.startswith(_AGAIN)
    return isinstance(error, psycopg.OperationalError) and not _guessed(str(error))
