"""Langfuse's API of prompts: versions that never change, and labels that move.

The API reference at api.reference.langfuse.com, the types of the SDK 5.0.4, and what the server
enforces (langfuse/langfuse, `web/src/features/prompts/server`, 2026-11): names, labels and their
uniqueness, `latest`, one type for all versions of a prompt, placeholders and variables of different
names, prompts that others refer to. Any keys are accepted unless some are named.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from tunectl.server.clouds.langfuse.checks import RefusedError, created, labels_of
from tunectl.server.clouds.langfuse.filters import matching
from tunectl.server.clouds.langfuse.shelf import Prompt, Shelf
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import World

__all__ = ["Langfuse"]

_PREFIX = "/api/public/v2/prompts"
_ERRORS = {
    400: "InvalidRequestError",
    401: "UnauthorizedError",
    403: "ForbiddenError",
    404: "LangfuseNotFoundError",
    405: "MethodNotAllowedError",
    429: "RateLimitError",
}


class Langfuse:
    """One project.

    Attributes:
        project: its id.
        keys: the secret key of each public one; empty accepts any pair.
        protected: labels that only an admin may move.
        knows_filters: whether lists know the parameter `filter`: servers before 2026-08 do not.
    """

    name = "langfuse"

    def __init__(
        self,
        world: World,
        *,
        project: str = "cm3k9x0a10000v8l1obsluga1",
        keys: Mapping[str, str] | None = None,
        protected: Iterable[str] = (),
        knows_filters: bool = True,
    ) -> None:
        """Keep prompts in memory, by this world's clock."""
        self.world = world
        self.project = project
        self.keys = dict(keys or {})
        self.protected = frozenset(protected)
        self.knows_filters = knows_filters
        self.shelf = Shelf()

    def answer(self, asked: Asked) -> Answered:
        """Answer one request."""
        try:
            self._allow(asked)
            return self._route(asked)
        except RefusedError as refused:
            return self.refusal(refused.status, str(refused))

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in this API's shape."""
        return Answered.of(
            {"message": message, "error": _ERRORS.get(status, "InternalServerError")}, status
        )

    def left(self) -> Iterable[Left]:
        """Yield every version that is there."""
        for one in self.shelf.all():
            yield Left(kind="prompt version", name=f"{one.name} v{one.version}")

    def _allow(self, asked: Asked) -> None:
        scheme, _, said = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not said:
            raise RefusedError(401, "No authorization header")
        try:
            public, _, secret = base64.b64decode(said, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise RefusedError(401, "Invalid authorization header") from None
        wrong = self.keys.get(public) != secret if self.keys else not (public and secret)
        if wrong:
            raise RefusedError(
                401,
                "Invalid credentials. Confirm that you've configured the correct host.",
            )

    def _route(self, asked: Asked) -> Answered:
        if asked.path == "/api/public/projects" and asked.method == "GET":
            return Answered.of(
                {"data": [{"id": self.project, "name": "pomoc", "metadata": {}}]},
            )
        if asked.path == _PREFIX:
            if asked.method == "GET":
                return self._listed(asked)
            if asked.method == "POST":
                return self._created(asked)
            raise RefusedError(405, "Method not allowed")
        if not asked.path.startswith(f"{_PREFIX}/"):
            raise RefusedError(404, "Not found")
        rest = asked.path.removeprefix(f"{_PREFIX}/")
        name, versions, version = rest.rpartition("/versions/")
        if versions and version.isdigit():
            if asked.method != "PATCH":
                raise RefusedError(405, "Method not allowed")
            return self._labelled(unquote(name), int(version), asked)
        match asked.method:
            case "GET":
                return self._got(unquote(rest), asked)
            case "DELETE":
                return self._deleted(unquote(rest), asked)
        raise RefusedError(405, "Method not allowed")

    def _created(self, asked: Asked) -> Answered:
        said = created(asked.json())
        self._may_move(said.labels)
        now = self.world.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Answered.of(self.shelf.add(said, now).json(self.project), 201)

    def _labelled(self, name: str, version: int, asked: Asked) -> Answered:
        body = asked.json()
        given = body.get("newLabels") if isinstance(body, dict) else None
        if given is None:
            raise RefusedError(400, "Invalid request data")
        labels = labels_of(given)
        if "latest" in labels:
            raise RefusedError(400, "Label 'latest' is always assigned to the latest prompt")
        self._may_move(labels)
        found = self.shelf.get(name, version=version)
        if found is None:
            raise RefusedError(404, f"Prompt not found: {name}")
        self.shelf.label(found, labels)
        return Answered.of(found.json(self.project))

    def _got(self, name: str, asked: Asked) -> Answered:
        version, label = asked.param("version"), asked.param("label")
        if version and label:
            raise RefusedError(400, "Cannot specify both version and label")
        if version and not version.isdigit():
            raise RefusedError(400, "Invalid request data")
        found = self.shelf.get(
            name, version=int(version) if version else None, label=label or "production"
        )
        if found is None:
            with_what = f"version {version}" if version else f"label '{label or 'production'}'"
            raise RefusedError(404, f"Prompt not found: '{name}' with {with_what}")
        return Answered.of(found.json(self.project))

    def _deleted(self, name: str, asked: Asked) -> Answered:
        version, label = asked.param("version"), asked.param("label")
        doomed = [
            one
            for one in self.shelf.versions(name)
            if (not version or str(one.version) == version) and (not label or label in one.labels)
        ]
        if not doomed:
            raise RefusedError(404, "Prompt not found")
        self._may_move([label for one in doomed for label in one.labels])
        self.shelf.remove(name, doomed)
        return Answered(204)

    def _listed(self, asked: Asked) -> Answered:
        page, limit = asked.param("page", "1"), asked.param("limit", "10")
        if not (page.isdigit() and limit.isdigit() and int(page) >= 1 and 1 <= int(limit) <= 100):
            raise RefusedError(400, "Invalid request data")
        names = matching(self.shelf.all(), asked, knows_filters=self.knows_filters)
        start = (int(page) - 1) * int(limit)
        ordered = sorted(names)
        data = [_meta(names[name]) for name in ordered[start : start + int(limit)]]
        meta = {
            "page": int(page),
            "limit": int(limit),
            "totalItems": len(ordered),
            "totalPages": -(-len(ordered) // int(limit)),
        }
        return Answered.of({"data": data, "meta": meta, "pagination": meta})

    def _may_move(self, labels: Iterable[str]) -> None:
        kept = sorted({*labels} & self.protected)
        if kept:
            raise RefusedError(
                403,
                "You don't have permission to change a prompt with a protected label. Protected "
                f"labels are: {', '.join(kept)}",
            )


def _meta(versions: list[Prompt]) -> dict[str, object]:
    newest = max(versions, key=lambda one: one.version)
    return {
        "name": newest.name,
        "type": newest.type,
        "tags": newest.tags,
        "versions": sorted(one.version for one in versions),
        "labels": sorted({label for one in versions for label in one.labels}),
        "lastUpdatedAt": max(one.updated for one in versions),
        "lastConfig": newest.config,
    }
