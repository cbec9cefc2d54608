"""`cachePoint`: what Converse keeps of a prompt, and what it takes from there."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tunectl.server.clouds.bedrock.refused import invalid

_TOKEN = re.compile(r"\w+|[^\w\s]")
_FLOOR = 1024  # tokens below which a prefix is silently not cached; 1,024 to 4,096 by model
_MOST = 4  # cache points of one request (Amazon Bedrock user guide, prompt caching, 2026)
_LIFE = {"5m": timedelta(minutes=5), "1h": timedelta(hours=1)}


@dataclass
class CachePoints:
    """The prompt cache of an account: until when each prefix is kept."""

    kept: dict[str, datetime] = field(default_factory=dict)

    def counted(self, model: str, body: Mapping[str, Any], now: datetime) -> tuple[int, int]:
        """Return how many tokens a request takes from the cache and how many it writes there.

        Raises:
            Refused: it has too many cache points, or one that is none.
        """
        prefix, size = hashlib.sha256(model.encode()), 0
        points: list[tuple[str, int, timedelta]] = []
        for block in _blocks(body):
            point = block.get("cachePoint")
            if point is not None:
                points.append((prefix.hexdigest(), size, _life(point)))
                continue
            text = block.get("text")
            plain = text if isinstance(text, str) else json.dumps(block, sort_keys=True)
            prefix.update(plain.encode() + b"\x00")
            size += len(_TOKEN.findall(plain))
        if len(points) > _MOST:
            raise invalid(f"A request may have at most {_MOST} cache points.")
        points = [one for one in points if one[1] >= _FLOOR]
        read = max((size for name, size, _ in points if self.kept.get(name, now) > now), default=0)
        for name, _, life in points:
            self.kept[name] = now + life
        return read, max((size for _, size, _ in points), default=0) - read


def _blocks(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the blocks in the order of the cache: system, then messages."""
    yield from body.get("system") or ()
    for message in body.get("messages") or ():
        yield from message.get("content") or ()


def _life(point: Any) -> timedelta:  # noqa: ANN401  # foreign JSON
    life = point.get("ttl", "5m") if isinstance(point, Mapping) else None
    if life not in _LIFE or point.get("type") != "default":
        raise invalid("A cachePoint has the type `default`, and a ttl of `5m` or `1h`.")
    return _LIFE[str(life)]
