"""The models this server answers with: bases, tuned models, their checkpoints, and aliases.

A name that is not known is refused: a server that accepts any name hides a wrong deployment.
"""

from __future__ import annotations

import datetime as dt
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunectl.server.aliases import all_aliases, get_alias
from tunectl.server.bases import Base, BaseModelError, list_bases, resolve
from tunectl.server.folder import Root, locked, read_json, remove_tree, write_json
from tunectl.server.jobs import JobFolder, NoSuchJobError
from tunectl.server.wire import ApiError

SIMULATED_BASE = "simulated-1"
# Answered without weights by a server whose trainer is `simulated`, beside every base that a
# job of this root was made with: the names that declarations most often use.
STAND_INS = (
    SIMULATED_BASE,
    "smollm2-135m-instruct",
    "gpt-4o-mini-2024-07-18",
    "gpt-4o-2024-08-06",
    "gpt-4.1-2025-04-14",
    "gpt-4.1-mini-2025-04-14",
    "gpt-4.1-nano-2025-04-14",
)
_STAND_IN_CREATED = 1_700_000_000
_NEEDED = {"created_at", "created_ns", "trainer", "model", "base", "fine_tuned_model"}
_CHECKPOINT = re.compile(r"(.+):ckpt-step-(\d+)")


@dataclass(frozen=True)
class Model:
    """One name that can be asked, and what stands behind it."""

    id: str
    created: int
    owned_by: str
    shutdown_date: str | None = None
    simulated: bool = False
    base: Base | None = None
    adapter: Path | None = None
    job: JobFolder | None = None
    step: int | None = None

    def shown(self) -> dict[str, Any]:
        """Return the model as the wire shows it."""
        return {
            "id": self.id,
            "object": "model",
            "created": self.created,
            "owned_by": self.owned_by,
            "shutdown_date": self.shutdown_date,
        }

    def retired(self) -> bool:
        """Tell whether its announced end has come (UTC)."""
        today = dt.datetime.now(dt.UTC).date().isoformat()
        return self.shutdown_date is not None and self.shutdown_date <= today


def unknown_model(name: str) -> ApiError:
    """Return OpenAI's refusal of a model that is not there."""
    return ApiError(
        404,
        f"The model `{name}` does not exist or you do not have access to it.",
        "model",
        code="model_not_found",
    )


@dataclass
class Catalogue:
    """All models of one root; reads the folder anew for each request.

    Args:
        root: the server's folder.
        trainer: the trainer of jobs whose base does not decide it, `lora` or `simulated`.
        paths: whether a base may be named by a path of this machine.
    """

    root: Root
    trainer: str
    paths: bool = True
    _recipes: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def recipe(self, job: JobFolder) -> dict[str, Any]:
        """Return a job's recipe, read once: it never changes. Raises `NoSuchJobError`."""
        with self._mutex:
            if job.id not in self._recipes:
                recipe = job.recipe()
                if not recipe.keys() >= _NEEDED:
                    raise NoSuchJobError(job.id)
                self._recipes[job.id] = recipe
            return self._recipes[job.id]

    def jobs(self) -> list[JobFolder]:
        """Return all jobs, newest first."""
        found = []
        for path in self.root.job_folders():
            job = JobFolder(path)
            try:
                found.append((self.recipe(job)["created_ns"], job.id, job))
            except NoSuchJobError:
                continue
        return [job for _, _, job in sorted(found, key=lambda item: item[:2], reverse=True)]

    def all(self) -> list[Model]:
        """Return every model, bases first, then tuned models, checkpoints and aliases."""
        found = [*self._bases().values()]
        for job in reversed(self.jobs()):
            found.extend(self._tuned(job))
        found.extend(
            Model(str(a["name"]), int(a["created_at"]), "tunectl-alias")
            for a in all_aliases(self.root)
        )
        return found

    def find(self, name: str) -> Model:
        """Return the base, tuned model or checkpoint called `name`.

        Raises:
            ApiError: 404 `model_not_found`.
        """
        if not name.startswith("ft:") and name in (bases := self._bases()):
            return bases[name]
        wanted = _CHECKPOINT.fullmatch(name)
        job = self._job_of(wanted.group(1) if wanted else name)
        for model in self._tuned(job) if job is not None else ():
            if model.id == name:
                return model
        raise unknown_model(name)

    def resolve(self, name: str) -> Model:
        """Return the model behind `name`, an alias or an id; one whose end has come is refused.

        Raises:
            ApiError: 404 `model_not_found`.
        """
        alias = get_alias(self.root, name)
        model = self.find(str(alias["model"]) if alias else name)
        if model.retired():
            raise ApiError(
                404,
                f"The model `{name}` has been retired on {model.shutdown_date}.",
                "model",
                code="model_not_found",
            )
        return model

    def trainable(self, name: str) -> Model:
        """Return the base model a job shall start from; with trainer `simulated` any name is one.

        Raises:
            ApiError: 404 for an unknown name, 400 for what this server cannot tune.
        """
        try:
            model = self.resolve(name)
        except ApiError:
            if name.startswith("ft:") or name in self._bases():
                raise
            return self._unlisted(name)
        if model.job is not None:
            raise ApiError(
                400,
                f"Model {model.id} is not available for fine-tuning: this server trains from base "
                "models only.",
                "model",
                code="model_not_available",
            )
        return model

    def delete(self, name: str) -> None:
        """Delete a tuned model with its checkpoints, or one checkpoint; the job record stays.

        Raises:
            ApiError: 404 when there is none, 403 for a base model or an alias.
        """
        if get_alias(self.root, name) is not None:
            raise ApiError(403, f"'{name}' is an alias; delete it as an alias.", "model")
        model = self.find(name)
        if model.job is None:
            raise ApiError(403, f"Base model '{name}' cannot be deleted over the API.", "model")
        with locked(model.job.reconcile_lock):
            if model.step is None:
                model.job.update_meta(deleted=True)
                for _, checkpoint in model.job.checkpoints():
                    remove_tree(checkpoint)
                remove_tree(model.job.adapter)
            else:
                remove_tree(model.job.path / f"checkpoint-{model.step}")

    def announce(self, name: str, date: str | None) -> Model:
        """Set or clear the day on which a model ends; a tuned model ends with its base at latest.

        Raises:
            ApiError: 404 for an unknown model, 400 for what is no date.
        """
        self.find(name)
        if date is not None:
            try:
                dt.date.fromisoformat(date)
            except ValueError:
                raise ApiError(
                    400, "'shutdown_date' must be a date, YYYY-MM-DD.", "shutdown_date"
                ) from None
        with locked(self.root.path / ".retirements.lock"):
            dates = read_json(self.root.retirements_file) or {}
            dates[name] = date
            write_json(self.root.retirements_file, {k: v for k, v in dates.items() if v})
        return self.find(name)

    def _unlisted(self, name: str) -> Model:
        if self.trainer == "simulated" and re.fullmatch(r"[\w][\w./@+-]{0,127}", name):
            return self._stand_in(name)
        if self.paths and (name.startswith(("/", "./", "../", "~")) or name.endswith(".gguf")):
            try:
                base = resolve(name, self.root.path)
            except BaseModelError as error:
                raise ApiError(400, str(error), "model", code="model_not_available") from error
            return self._real(base)
        raise unknown_model(name)

    def _bases(self) -> dict[str, Model]:
        found: dict[str, Model] = {SIMULATED_BASE: self._stand_in(SIMULATED_BASE)}
        pulled = list_bases(self.root.path)
        names = [*STAND_INS, *(base.name for base in pulled)] if self.trainer == "simulated" else []
        for job in self.jobs():
            recipe = self.recipe(job)
            if recipe["trainer"] == "simulated":
                names.append(str(recipe["base"]["name"]))
        found.update((name, self._stand_in(name)) for name in names)
        if self.trainer != "simulated":
            found.update((base.name, self._real(base)) for base in pulled)
        return found

    def _stand_in(self, name: str) -> Model:
        return Model(name, _STAND_IN_CREATED, "tunectl", self._end(name), simulated=True)

    def _real(self, base: Base) -> Model:
        end = self._end(base.name) or base.shutdown_date
        return Model(base.name, base.imported_at, "tunectl", end, base=base)

    def _end(self, *names: str) -> str | None:
        dates = read_json(self.root.retirements_file) or {}
        return min((str(dates[name]) for name in names if name in dates), default=None)

    def _job_of(self, tuned: str) -> JobFolder | None:
        for job in self.jobs():
            if self.recipe(job)["fine_tuned_model"] == tuned:
                return job
        return None

    def _tuned(self, job: JobFolder) -> list[Model]:
        """Return the tuned model of `job`, when it is ready, and the checkpoints that exist."""
        recipe = self.recipe(job)
        name = str(recipe["fine_tuned_model"])
        end = self._end(name, str(recipe["base"]["name"]))
        simulated = recipe["trainer"] == "simulated"
        owner = self.root.account()
        base = None if simulated else _base_of(recipe)
        found = []
        status = job.status()
        if status["state"] == "succeeded" and job.adapter.exists():
            created = int(status.get("finished_at") or recipe["created_at"])
            found.append(Model(name, created, owner, end, simulated, base, job.adapter, job))
        for step, path in job.checkpoints():
            adapter = path / "adapter" if (path / "adapter").exists() else path
            created = int((path / "ok").stat().st_mtime)
            label = f"{name}:ckpt-step-{step}"
            found.append(Model(label, created, owner, end, simulated, base, adapter, job, step))
        return found


def _base_of(recipe: dict[str, Any]) -> Base | None:
    """Return the base that a recipe names by content; its path is in the recipe itself."""
    path = recipe["base"].get("path")
    if path is None:
        return None
    folder = Path(path)
    facts = read_json(folder / "tunectl.json") or {}
    gguf = folder / "model.gguf"
    return Base(
        name=str(recipe["base"]["name"]),
        sha256=str(recipe["base"]["sha256"]),
        path=folder,
        source=str(facts.get("source", "")),
        gguf=gguf if gguf.is_file() else None,
        context_length=int(facts.get("context_length", 0)),
        imported_at=int(facts.get("imported_at", 0)),
    )
