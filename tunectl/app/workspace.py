"""One opened project: its declaration, data, state and providers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import tunectl
from tunectl.app.connecting import Connector
from tunectl.app.options import Options
from tunectl.app.storing import open_store
from tunectl.config.kept import Asked, ProjectCache
from tunectl.config.loaded import Loaded
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError
from tunectl.core.ports import Lease, Store
from tunectl.core.project import Project
from tunectl.core.resource import Resource
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.stores.ledger import Ledger
from tunectl.stores.registry import SharedObjects

if TYPE_CHECKING:
    from tunectl.app.uploading import DatasetReader
    from tunectl.data.dataset import Dataset

__all__ = [
    "Workspace",
    "declared",
    "ledger_of",
    "locked",
    "open_record",
    "open_store",
    "open_workspace",
    "rows_name",
]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A project and the rooms it needs."""

    options: Options
    project: Project
    datasets: Mapping[Address, Dataset]
    store: Store
    ledger: Ledger

    def connector(self, state: State) -> Connector:
        """Return a connector for the declared and the recorded providers."""
        return Connector(self.project, state)

    @property
    def reader(self) -> DatasetReader:
        """Where upload bytes come from."""
        from tunectl.app.uploading import DatasetReader

        return DatasetReader(self.datasets, self.options.root)

    @property
    def shares(self) -> SharedObjects:
        """What the environments of the store share."""
        return SharedObjects(self.store, self.project.name, self.options.env)

    def agree(self, state: State, *, fulfilled: bool) -> None:
        """Say to the other environments what this one uses.

        Args:
            state: as recorded.
            fulfilled: everything is as declared: what the state lacks is not wanted.

        Raises:
            StateError: the store cannot be used.
        """
        let_go = None if fulfilled else {(f.account, f.id) for f in state.forgotten}
        self.shares.agree(state.everything, let_go)

    def lock(self, operation: str) -> AbstractContextManager[Lease]:
        """Hold the environment's lock."""
        return self.store.lock(self.options.env, operation, timeout=self.options.lock_timeout)

    def keep_rows(self, declared: Resource) -> None:
        """Store a dataset's row hashes under their own hash; already there is fine."""
        from tunectl.app.row_marks import remembered

        name = str(declared.spec.get("rows"))
        content = remembered(name)
        if content is None:
            from tunectl.data.marks import marks_to_bytes

            dataset = self.datasets[declared.address]
            name, content = dataset.marks_sha256, marks_to_bytes(dataset.marks)
        with contextlib.suppress(StaleError):
            self.store.write(rows_name(name), content, expected=None)


def rows_name(sha256: str) -> str:
    """Return the name of the content-addressed list of row hashes."""
    return f"rows/{sha256}"


def declared(options: Options) -> Loaded:
    """Load the declaration and read its data.

    Raises:
        ConfigError: every problem found.
    """
    loaded = _loaded(options)
    if options.stand_in is None:
        return loaded
    return Loaded(options.stand_in(loaded.project), loaded.datasets)


def _loaded(options: Options) -> Loaded:
    asked = Asked(
        root=options.root,
        environ=os.environ,
        env=options.env,
        variables=options.named,
        var_files=options.var_files,
    )
    kept = ProjectCache.of_user(os.environ)
    found = kept.get(asked) if kept is not None else None
    if found is not None:
        return found
    # What reads and checks a declaration is imported only where one must be read.
    from tunectl.app.row_marks import remember
    from tunectl.config.load import load
    from tunectl.config.parse_cache import ParseCache

    loaded = load(
        asked.root,
        env=asked.env,
        variables=asked.variables,
        var_files=asked.var_files,
        environ=asked.environ,
        cache=ParseCache.of_user(os.environ),
        kept=kept,
    )
    remember(loaded.datasets.values())
    return loaded


def open_workspace(options: Options) -> Workspace:
    """Load the declaration and find its state.

    Raises:
        ConfigError: every problem of the declaration, or a state address of no known kind.
    """
    loaded = declared(options)
    store = open_store(loaded.project)
    ledger = ledger_of(store, loaded.project, options)
    return Workspace(options, loaded.project, loaded.datasets, store, ledger)


def open_record(options: Options) -> tuple[Project, Ledger]:
    """Find the state alone: neither the rest of the declaration nor its data need be sound.

    Raises:
        ConfigError: the project's name or its state address cannot be read.
    """
    from tunectl.config.outline import outline

    project = outline(
        options.root,
        env=options.env,
        variables=options.variables,
        var_files=options.var_files,
        environ=os.environ,
    )
    if options.stand_in is not None:
        project = options.stand_in(project)
    return project, ledger_of(open_store(project), project, options)


def ledger_of(store: Store, project: Project, options: Options) -> Ledger:
    """Return the record of an environment in a store; nothing is read yet."""
    return Ledger(store, project.name, options.env, tunectl.__version__)


@contextlib.contextmanager
def locked(workspace: Workspace, operation: str) -> Iterator[tuple[Lease, State]]:
    """Hold the lock and give the state as it is under it."""
    with workspace.lock(operation) as lease:
        yield lease, workspace.ledger.load()
