"""S3's XML, as little of it as its wire needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from tunectl.server.clouds.objects.buckets import Refused
from tunectl.server.clouds.wire import Answered

_NAMESPACE = re.compile(r"^\{[^}]*\}")


def answer(body: str, status: int = 200) -> Answered:
    """Return an answer in XML."""
    content = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()
    return Answered(status, content, {"Content-Type": "application/xml"})


def children(body: bytes, name: str) -> Iterator[dict[str, str]]:
    """Yield what each element of that name holds, by local name.

    Raises:
        Refused: it is not XML.
    """
    if b"<!" in body:
        raise Refused(400, "MalformedXML", "a document type is not wanted here")
    try:
        root = ET.fromstring(body)  # noqa: S314  # no document type, so no entities
    except ET.ParseError as error:
        raise Refused(400, "MalformedXML", str(error)) from error
    for element in root.iter():
        if _NAMESPACE.sub("", element.tag) == name:
            yield {_NAMESPACE.sub("", child.tag): child.text or "" for child in element}


def pairs(body: bytes) -> dict[str, str]:
    """Return the tags of a `Tagging` document."""
    return {tag.get("Key", ""): tag.get("Value", "") for tag in children(body, "Tag")}


def tagging(tags: Mapping[str, str]) -> str:
    """Return a `Tagging` document."""
    shown = "".join(
        f"<Tag><Key>{escape(key)}</Key><Value>{escape(value)}</Value></Tag>"
        for key, value in tags.items()
    )
    return f"<Tagging><TagSet>{shown}</TagSet></Tagging>"
