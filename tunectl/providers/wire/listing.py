"""Lists of everything an account shows, page by page: whoever has seen enough asks for no more.

Law: a list is whole or an error. A page that comes twice, or is no list, proves nothing about what
is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.wire.client import Wire, fields

if TYPE_CHECKING:
    from openai import Omit, OpenAI
    from openai.pagination import SyncCursorPage


# Asks for one page: the first, or the one behind an id.
Begin: TypeAlias = Callable[["OpenAI", "str | Omit"], "SyncCursorPage[Any]"]


def pages(wire: Wire, doing: str, begin: Begin) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list as plain objects with an `id`; one request a page.

    Args:
        wire: the account.
        doing: what is asked, for messages.
        begin: asks for one page.

    Raises:
        ProviderError: a page could not be had; what came before it is no whole list.
    """
    seen: set[str] = set()
    after: str | None = None
    while True:
        page, more = wire.ask(doing, _reading(begin, after, seen))
        yield from page
        if not more or not page:
            return
        seen |= {str(one["id"]) for one in page}
        after = str(page[-1]["id"])


def _reading(
    begin: Begin, after: str | None, seen: set[str]
) -> Callable[[OpenAI], tuple[list[dict[str, Any]], bool]]:
    def read(client: OpenAI) -> tuple[list[dict[str, Any]], bool]:
        from openai import omit

        # The SDK trips over an answer that is text (openai 3.54: `AttributeError`), and takes an
        # object without `data` for an empty list.
        try:
            page = begin(client, after or omit)
            data, more = page.data, page.has_more is not False
        except AttributeError:
            raise SenselessAnswerError("not a JSON list") from None
        if not isinstance(data, list):
            raise SenselessAnswerError("`data` is missing")
        found = [fields(item, "id") for item in data]
        if found and all(one["id"] in seen for one in found):
            raise SenselessAnswerError("the same page came twice")
        return found, more

    return read


def moment(seconds: object) -> str:
    """Return Unix time as ISO 8601, UTC; empty where it is no time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, OSError, ValueError):
        return ""
