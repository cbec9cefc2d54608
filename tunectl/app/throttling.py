"""At most so many calls at once to one provider, whatever the parallelism of an apply."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

from tunectl.core.ports import Handler, Provider


def throttled(provider: Provider, limit: int) -> Provider:
    """Return the provider with at most `limit` calls to its handlers at once.

    What a handler yields bit by bit is fetched outside the limit, so that whoever reads a listing
    may call the same provider meanwhile.
    """
    return cast("Provider", _Provider(provider, threading.BoundedSemaphore(limit)))


class _Provider:
    def __init__(self, inner: Provider, gate: threading.BoundedSemaphore) -> None:
        self._inner = inner
        self.handlers: Mapping[str, Handler] = {
            kind: cast("Handler", _Handler(handler, gate))
            for kind, handler in inner.handlers.items()
        }

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the provider has
        return getattr(self._inner, name)


class _Handler:
    def __init__(self, inner: Handler, gate: threading.BoundedSemaphore) -> None:
        self._inner = inner
        self._gate = gate

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the handler has
        found = getattr(self._inner, name)
        return _gated(found, self._gate) if callable(found) else found


def _gated(call: Callable[..., Any], gate: threading.BoundedSemaphore) -> Callable[..., Any]:
    def gated(*arguments: object, **words: object) -> Any:  # noqa: ANN401
        with gate:
            return call(*arguments, **words)

    return gated
