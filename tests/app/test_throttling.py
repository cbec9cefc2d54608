"""A provider's own limit of calls at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

from tunectl.app.throttling import throttled


class Busy:
    """A handler that notes how many calls it has at once."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._guard = threading.Lock()
        self._together = threading.Event()

    def read(self, number: int) -> int:
        with self._guard:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now == 2:
                self._together.set()
        self._together.wait(0.2)
        with self._guard:
            self._now -= 1
        return number

    def list(self):
        yield from (1, 2, 3)


def test_no_more_calls_at_once_than_the_provider_allows():
    handler = Busy()
    limited = throttled(SimpleNamespace(handlers={"upload": handler}), 2).handlers["upload"]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(limited.read, range(20))) == list(range(20))
    assert handler.most == 2


def test_a_listing_may_be_read_while_the_same_provider_is_called():
    handler = Busy()
    limited = throttled(SimpleNamespace(handlers={"upload": handler}), 1).handlers["upload"]
    assert [limited.read(number) for number in limited.list()] == [1, 2, 3]


def test_what_a_handler_cannot_do_it_still_cannot():
    inner = SimpleNamespace(handlers={"upload": Busy()}, account=lambda: "acc")
    limited = throttled(inner, 1)
    assert not hasattr(limited.handlers["upload"], "cancel")
    assert limited.account() == "acc"
    assert not hasattr(limited, "chat")
