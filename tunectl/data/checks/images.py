"""Images: how they are given, how large they are, and how many.

What a provider takes is the catalog's to say; without a provider, or for one of which it is not
known, only what nobody can read is wrong: an image without an address, or one that is not base64.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from tunectl.catalog.dataset_rules import ImageRules
from tunectl.data.checks.providers import rules_for
from tunectl.data.checks.rule import (
    Context,
    ContextRule,
    Finding,
    RowCheck,
    Rule,
    messages_of,
)
from tunectl.data.fingerprint import Json, Row
from tunectl.data.pattern import regex
from tunectl.data.sensitive.names import shown

IMAGES = Rule(
    name="images",
    number="",
    hint="give it as the provider takes it: an address, or `data:image/…;base64,…` of a type and a "
    "size that it reads",
    reason="the provider fails the job for other images, or skips the row without a word",
)
TOO_MANY_IMAGES = Rule(
    name="too-many-images",
    number="",
    hint="make several files, or leave rows with images out",
    reason="the provider takes only so many rows with images in one file",
)
_DATA = regex(r"data:([^;,]*)((?:;[^;,]*)*),")
_MAGIC = (("image/jpeg", b"\xff\xd8\xff"), ("image/png", b"\x89PNG\r\n\x1a\n"))
_NAMES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}


def image_rules(context: Context) -> list[tuple[str, ImageRules]]:
    """The providers of which it is known how they take images, each with its rules."""
    known = rules_for(context, context.method)
    return [(one.provider, one.image_rules) for one in known if one.image_rules is not None]


def _images(context: Context) -> RowCheck:
    known = image_rules(context)

    def check(row: Row) -> Iterator[Finding]:
        count = 0
        for index, number, part in _shown(row):
            count += 1
            place = f"the image `messages[{index}].content[{number}]`"
            image = part.get("image_url")
            url = image.get("url") if isinstance(image, dict) else None
            if not isinstance(url, str):
                yield Finding(f'{place} has no `{{"url": "…"}}`')
                continue
            wrong = _unreadable(url)
            if wrong:
                yield Finding(f"{place} {wrong}")
                continue
            assert isinstance(image, dict)
            for provider, rules in known:
                wrong = _wrong(url, image.get("detail", "auto"), rules)
                if wrong:
                    yield Finding(f"{place} {wrong} (`{provider}`)", about=provider)
        for provider, rules in known:
            if count > rules.most_in_a_row:
                most = f"{rules.most_in_a_row} are the most of `{provider}`"
                yield Finding(f"the row has {count} images; {most}", about=provider)

    return check


def _shown(row: Row) -> Iterator[tuple[int, int, Row]]:
    """The images of a user, each with its message and part; others are of `bad-content`."""
    for index, message in enumerate(messages_of(row)):
        content = message.get("content")
        if message.get("role") != "user" or not isinstance(content, list):
            continue
        for number, part in enumerate(content):
            if isinstance(part, dict) and part.get("type") == "image_url":
                yield index, number, part


def _unreadable(url: str) -> str:
    """Why nobody can read an image, empty when it may be read."""
    if not url.startswith("data:"):
        return "" if "://" in url else "is neither an address (`https://…`) nor a data URL"
    head = _DATA.match(url)
    if head is None or ";base64" not in head[2]:
        return "is a data URL without `;base64,`"
    try:
        base64.b64decode(url[head.end() : head.end() + 64], validate=True)
    except binascii.Error:
        return "is not base64"
    return ""


def _wrong(url: str, detail: Json, rules: ImageRules) -> str:
    """What one provider has against an image that can be read, empty when nothing."""
    if detail not in rules.details:
        return f"has a `detail` that is none of {', '.join(f'`{d}`' for d in rules.details)}"
    scheme = url.partition(":")[0].lower()
    if scheme not in rules.schemes:
        return f"has an address of `{shown(scheme)}://`, not of `https://`"
    head = _DATA.match(url)
    if head is None:
        return ""
    kind = head[1].replace("jpg", "jpeg")
    if kind not in rules.types:
        return f"is of type `{shown(head[1])}`, not {_either(rules.types)}"
    size = (len(url) - head.end()) * 3 // 4
    if size > rules.largest:
        return f"has {size / 2**20:.1f} MB; {rules.largest // 2**20} MB are the most"
    first = base64.b64decode(url[head.end() : head.end() + 64])
    found = next((name for name, magic in _MAGIC if first.startswith(magic)), "")
    if first.startswith(b"RIFF") and first[8:12] == b"WEBP":
        found = "image/webp"
    if not found:
        return f"does not begin as {_either(rules.types)} does"
    return "" if found == kind else f"is {found} and says it is {head[1]}"


def _either(types: tuple[str, ...]) -> str:
    *others, last = (_NAMES.get(one, one) for one in types)
    return f"{', '.join(others)} or {last}" if others else last


def _too_many_images(context: Context) -> RowCheck | None:
    """Said once, with the row that is one too many; a row with images is never plain."""
    known = image_rules(context)
    if not known:
        return None
    provider, most = min(((name, one.most_rows) for name, one in known), key=lambda one: one[1])
    count = 0

    def check(row: Row) -> Iterator[Finding]:
        nonlocal count
        contents = [one.get("content") for one in messages_of(row)]
        parts = [part for content in contents if isinstance(content, list) for part in content]
        count += any(isinstance(part, dict) and part.get("type") == "image_url" for part in parts)
        if count == most + 1:
            count += 1
            yield Finding(f"there are more than {most:,} rows with images (`{provider}`)")

    return check


BOUND = (
    ContextRule(IMAGES, _images, talks=True),
    ContextRule(TOO_MANY_IMAGES, _too_many_images),
)
