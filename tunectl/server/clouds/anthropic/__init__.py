"""Anthropic's API: models with their ends, messages (streamed too) and counted tokens.

platform.claude.com/docs, API reference, and the types of the anthropic SDK 2.12.0 (2026-11). Its
answers are of a model without weights: the question, honestly echoed. Nothing is kept but what is
in the prompt cache, so nothing is ever left.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable

from tunectl.server.clouds.anthropic.messages import Cache, answered, counted
from tunectl.server.clouds.anthropic.models import listed, retrieved
from tunectl.server.clouds.anthropic.refusals import TYPES, RefusedError
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import World

__all__ = ["Anthropic"]


class Anthropic:
    """One organization's account.

    Attributes:
        organization: its id, told in a header of every answer.
        keys: the keys that are accepted; empty accepts any.
        requests_a_minute: the limit that the headers tell.
    """

    name = "anthropic"

    def __init__(
        self,
        world: World,
        *,
        organization: str = "7c1d4a0e-2f0b-4a52-9f1e-6c0f5d0a9b11",
        keys: Iterable[str] = (),
        requests_a_minute: int = 4000,
    ) -> None:
        """Serve models by this world's clock."""
        self.world = world
        self.organization = organization
        self.keys = frozenset(keys)
        self.requests_a_minute = requests_a_minute
        self._cache = Cache()
        self._minute: tuple[int, int] = (0, 0)

    def answer(self, asked: Asked) -> Answered:
        """Answer one request."""
        try:
            self._allow(asked)
            found = self._route(asked)
        except RefusedError as refused:
            return self.refusal(refused.status, str(refused))
        return Answered(
            found.status, found.body, {**found.headers, **self._headers()}, found.pieces
        )

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in this API's shape."""
        type_ = TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
        headers = self._headers()
        body = {
            "type": "error",
            "error": {"type": type_, "message": message},
            "request_id": headers["request-id"],
        }
        found = Answered.of(body, status)
        return Answered(status, found.body, {**found.headers, **headers})

    def left(self) -> Iterable[Left]:
        """Yield nothing: there is nothing that could stay."""
        return ()

    def _route(self, asked: Asked) -> Answered:
        parts = asked.path.strip("/").split("/")
        match asked.method, *parts:
            case "GET", "v1", "models":
                return Answered.of(listed(asked, self.world.now()))
            case "GET", "v1", "models", name:
                return Answered.of(retrieved(name, self.world.now()))
            case "POST", "v1", "messages":
                return answered(_body(asked), self.world.now(), self._cache)
            case "POST", "v1", "messages", "count_tokens":
                return Answered.of(counted(_body(asked), self.world.now()))
        raise RefusedError(404, "Not found")

    def _allow(self, asked: Asked) -> None:
        """Refuse who shows no key, a wrong one, or asks too fast."""
        bearer = asked.headers.get("authorization", "").removeprefix("Bearer ").strip()
        key = asked.headers.get("x-api-key", "").strip() or bearer
        if not key:
            raise RefusedError(401, "x-api-key header is required")
        if self.keys and key not in self.keys:
            raise RefusedError(401, "invalid x-api-key")
        if "anthropic-version" not in asked.headers:
            raise RefusedError(400, "anthropic-version: header is required")
        minute = int(self.world.now().timestamp() // 60)
        spent = self._minute[1] if self._minute[0] == minute else 0
        if spent >= self.requests_a_minute:
            raise RefusedError(
                429,
                f"This request would exceed your organization's rate limit of "
                f"{self.requests_a_minute} requests per minute",
            )
        self._minute = (minute, spent + 1)

    def _headers(self) -> dict[str, str]:
        now = self.world.now()
        minute, spent = self._minute
        left = self.requests_a_minute - (spent if minute == int(now.timestamp() // 60) else 0)
        headers = {
            "request-id": f"req_{uuid.uuid4().hex[:24]}",
            "anthropic-organization-id": self.organization,
            "anthropic-ratelimit-requests-limit": str(self.requests_a_minute),
            "anthropic-ratelimit-requests-remaining": str(left),
            "anthropic-ratelimit-requests-reset": _after(minute),
        }
        if left <= 0:
            headers["retry-after"] = str(max(1, 60 - int(now.timestamp() % 60)))
        return headers


def _after(minute: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp((minute + 1) * 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _body(asked: Asked) -> dict[str, object]:
    try:
        body = asked.json()
    except (json.JSONDecodeError, ValueError) as error:
        raise RefusedError(400, "The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise RefusedError(400, "The request body must be a JSON object.")
    return body
