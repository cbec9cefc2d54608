"""A request and an answer, decoded."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """What was asked, decoded."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is said to it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def ranged(request: Request, content: bytes, headers: dict[str, str]) -> Answer:
    """Answer with the bytes that `Range: bytes=first-last` names, with all where there is none."""
    said = request.headers.get("range", "")
    if not said.startswith("bytes="):
        return Answer(200, content, headers)
    first, _, last = said.removeprefix("bytes=").partition("-")
    start, end = int(first), min(int(last or len(content) - 1), len(content) - 1)
    place = f"bytes {start}-{end}/{len(content)}"
    return Answer(206, content[start : end + 1], {**headers, "Content-Range": place})
