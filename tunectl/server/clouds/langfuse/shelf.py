"""The prompts of one project: versions by name, each with its labels."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tunectl.server.clouds.langfuse.checks import Created, RefusedError, referred_to

LATEST = "latest"


@dataclass
class Prompt:
    """One version. Its text never changes, its labels may."""

    name: str
    version: int
    type: str
    prompt: Any
    config: Any
    labels: list[str]
    tags: list[str]
    note: str | None
    created: str
    updated: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def json(self, project: str) -> dict[str, Any]:
        """Return it as the API tells it."""
        return {
            "id": self.id,
            "createdAt": self.created,
            "updatedAt": self.updated,
            "projectId": project,
            "createdBy": "API",
            "prompt": self.prompt,
            "name": self.name,
            "version": self.version,
            "type": self.type,
            "isActive": None,
            "config": self.config,
            "tags": self.tags,
            "labels": self.labels,
            "commitMessage": self.note,
            "resolutionGraph": None,
        }


class Shelf:
    """Every version that is there."""

    def __init__(self) -> None:
        """Begin without any."""
        self._prompts: dict[str, list[Prompt]] = {}

    def all(self) -> list[Prompt]:
        """Return every version."""
        return [one for versions in self._prompts.values() for one in versions]

    def versions(self, name: str) -> list[Prompt]:
        """Return the versions of a prompt, oldest first."""
        return list(self._prompts.get(name, ()))

    def get(self, name: str, *, version: int | None = None, label: str = "") -> Prompt | None:
        """Return a version by its number, else by a label."""
        for one in self._prompts.get(name, ()):
            if one.version == version if version is not None else label in one.labels:
                return one
        return None

    def add(self, said: Created, now: str) -> Prompt:
        """Make the next version; in the same step its labels leave the others.

        Raises:
            RefusedError: the versions before are of another type, or it refers to what is not
                there.
        """
        before = self.versions(said.name)
        if before and before[-1].type != said.type:
            raise RefusedError(
                400,
                "Previous versions have different prompt type. Create a new prompt with a "
                "different name.",
            )
        for name, version, label in referred_to(said.prompt):
            if self.get(name, version=version, label=label) is None:
                raise RefusedError(400, f"Prompt dependency not found: {name}")
        labels = list(dict.fromkeys([*said.labels, LATEST]))
        tags = said.tags if said.tags is not None else (before[-1].tags if before else [])
        made = Prompt(
            name=said.name,
            version=before[-1].version + 1 if before else 1,
            type=said.type,
            prompt=said.prompt,
            config=said.config,
            labels=[],
            tags=list(tags),
            note=said.note,
            created=now,
            updated=now,
        )
        self._prompts.setdefault(said.name, []).append(made)
        for one in self._prompts[said.name]:
            one.tags = list(tags)
        self.label(made, labels)
        return made

    def label(self, prompt: Prompt, labels: Iterable[str]) -> None:
        """Give a version labels, which leave the others; what it has it keeps."""
        moving = [*labels]
        for one in self._prompts[prompt.name]:
            if one is not prompt:
                one.labels = [label for label in one.labels if label not in moving]
        prompt.labels = list(dict.fromkeys([*prompt.labels, *moving]))

    def remove(self, name: str, doomed: Iterable[Prompt]) -> None:
        """Delete versions; `latest` goes to the newest that is left.

        Raises:
            RefusedError: another prompt refers to one of them.
        """
        gone = [*doomed]
        left = [one for one in self._prompts[name] if one not in gone]
        for other in self.all():
            for called, version, label in () if other in gone else referred_to(other.prompt):
                by_label = version is None and not any(label in one.labels for one in left)
                by_number = any(one.version == version for one in gone)
                if called == name and (by_label or by_number):
                    raise RefusedError(
                        400,
                        "Other prompts are depending on prompt versions you are trying to delete:"
                        f"\n\n{other.name} v{other.version} depends on {name}",
                    )
        if left and not any(LATEST in one.labels for one in left):
            left[-1].labels.append(LATEST)
        if left:
            self._prompts[name] = left
        else:
            del self._prompts[name]
