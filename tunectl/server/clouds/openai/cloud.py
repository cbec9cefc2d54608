"""The package's own tuning server as a cloud."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import tunectl
from tunectl.server.aliases import all_aliases
from tunectl.server.api import Activity, build_app
from tunectl.server.clouds.openai.asgi import ask
from tunectl.server.clouds.openai.training import Threads
from tunectl.server.clouds.openai.vector_shelf import Shelf
from tunectl.server.clouds.openai.vector_stores import PATH, VectorStores
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import World
from tunectl.server.folder import write_json
from tunectl.server.jobs import TERMINAL
from tunectl.server.service import Settings, make_service


class OpenAI:
    """A service on OpenAI's wire with an account of its own.

    Raises:
        ModuleNotFoundError: the packages of the local server are not installed.
    """

    name = "openai"

    def __init__(self, world: World, folder: Path, profile: str = "") -> None:
        """Serve an empty account.

        Args:
            world: the clock, and how long a training takes.
            folder: where it keeps what it is given; nothing else may be in it.
            profile: the service whose manners it has (`manners`); empty for the server's own.
        """
        self.world = world
        self._threads = Threads(world)
        settings = Settings(folder, "simulated", 0, mimic=True, profile=profile)
        self._service = make_service(settings, self._threads)
        self._app = build_app(self._service, Activity())
        shelf = Shelf(
            self._service.files,
            lambda: world.now().timestamp(),
            lambda: world.operation_seconds,
        )
        self.vector_stores = VectorStores(shelf) if profile in {"", "openai"} else None

    @property
    def folder(self) -> Path:
        """Where everything is kept."""
        return self._service.root.path

    def announce(self, url: str) -> None:
        """Say in the folder where it is served, as the local server does.

        Args:
            url: the base URL, ending in `/v1`.
        """
        said = {"pid": 0, "url": url, "version": tunectl.__version__, "trainer": "simulated"}
        write_json(self._service.root.server_file, said)

    def close(self) -> None:
        """End what still trains."""
        self._threads.close()

    def answer(self, asked: Asked) -> Answered:
        """Answer one request; whatever key it carries is right."""
        stores = self.vector_stores
        if stores is not None and asked.path.startswith(PATH):
            return stores.answer(asked)
        key = {"authorization": f"Bearer {self._service.root.token()}"}
        return ask(self._app, replace(asked, headers={**asked.headers, **key}))

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in OpenAI's envelope."""
        kind = "server_error" if status >= 500 else "invalid_request_error"
        error = {"message": message, "type": kind, "param": None, "code": None}
        return Answered.of({"error": error}, status)

    def left(self) -> Iterator[Left]:
        """Yield files, jobs, tuned models and aliases; a job that is over is a record."""
        for meta in self._service.files.all():
            yield Left(kind="file", name=str(meta["id"]))
        for job in self._service.catalogue.jobs():
            over = self._service.reconciler.settle(job)["state"] in TERMINAL
            yield Left(kind="tuning job", name=job.id, record=over)
        for model in self._service.catalogue.all():
            if model.job is not None and model.step is None:
                named = self._service.settings.manner.names_models
                yield Left(kind="model", name=model.id, record=not named)
        for store in self.vector_stores.shelf.all() if self.vector_stores is not None else ():
            yield Left(kind="vector store", name=store.id)
        for alias in all_aliases(self._service.root):
            yield Left(kind="alias", name=str(alias["name"]))
