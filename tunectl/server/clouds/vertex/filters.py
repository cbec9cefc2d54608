"""List filters and pages as the service's lists take them.

`labels.env=prod`, `labels.env:*`, `labels.env:prod`, `displayName="x"`, `state="…"`, joined by
`AND` or a space; `OR` joins such groups. google.aip.dev/160 and the comments of
`ListEndpointsRequest`, `ListModelsRequest` and `ListTuningJobsRequest` in google-cloud-aiplatform.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any

from tunectl.server.clouds.vertex.messages import camel
from tunectl.server.clouds.vertex.refusals import invalid
from tunectl.server.clouds.wire import Asked

_TERM = re.compile(
    r"""\s*(?P<not>NOT\s+|-)?(?P<path>[\w.-]+)\s*(?P<how>!=|=|:)\s*(?P<value>"[^"]*"|\*|[^\s()]+)"""
)
_JOIN = re.compile(r"\s*(AND|OR)?\s*")
_PAGE, _LARGEST_PAGE = 100, 1000


def chosen(items: Sequence[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """Return the items that a filter lets through.

    Raises:
        Refused: it is no filter.
    """
    groups = _groups(text)
    return [
        item
        for item in items
        if not groups or any(all(_holds(item, term) for term in group) for group in groups)
    ]


def _groups(text: str) -> list[list[re.Match[str]]]:
    groups: list[list[re.Match[str]]] = []
    at, join = 0, "OR"
    while at < len(text.rstrip()):
        term = _TERM.match(text, at)
        if term is None:
            raise invalid(f"Invalid filter: {text}")
        if join == "OR":
            groups.append([])
        groups[-1].append(term)
        joined = _JOIN.match(text, term.end())
        join = (joined[1] if joined else "") or "AND"
        at = joined.end() if joined else term.end()
    return groups


def _holds(item: dict[str, Any], term: re.Match[str]) -> bool:
    first, _, rest = term["path"].partition(".")
    found = item.get(camel(first))
    if rest:
        found = found.get(rest) if isinstance(found, dict) else None
    wanted = term["value"].strip('"')
    if term["how"] == ":":
        holds = found is not None and wanted in ("*", *([] if isinstance(found, dict) else [found]))
        if isinstance(found, dict):
            holds = wanted == "*" or wanted in found
    else:
        holds = (found is not None and str(found) == wanted) != (term["how"] == "!=")
    return holds != bool(term["not"])


def page(asked: Asked, items: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Return one page of a list, and the token of the next; empty on the last.

    Raises:
        Refused: the size or the token cannot be.
    """
    size, start = asked.param("pageSize", "0"), 0
    if not re.fullmatch(r"\d{1,6}", size):
        raise invalid("Page size must be a non-negative integer.")
    wanted = min(int(size) or _PAGE, _LARGEST_PAGE)
    token = asked.param("pageToken")
    if token:
        try:
            start = int(base64.urlsafe_b64decode(token))
        except (ValueError, binascii.Error) as wrong:
            raise invalid("The page token is invalid.") from wrong
    if start < 0:
        raise invalid("The page token is invalid.")
    end = start + wanted
    more = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else ""
    return list(items[start:end]), more
