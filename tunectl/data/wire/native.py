"""Parts that only their own provider has: films, documents and sound, written back as they came.

Sources: Google's pages on preparing data for supervised tuning (`fileData`, `inlineData`); AWS's
user guide to Amazon Nova, "Preparing data for SFT" (`video`, `document`), as of 2026-11. What
Gemini's parts are called among OpenAI's is said in `shapes/media.py`.
"""

from __future__ import annotations

import json
import mimetypes
import re

from tunectl.data.fingerprint import Json, Row
from tunectl.data.wire.conversation import BLOCKS, Part

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.+)", re.DOTALL)
_SOUNDS = {"wav": "audio/wav", "mp3": "audio/mp3"}
_PLACES = ("gs://", "https://", "http://")


def gemini_part(part: Part) -> Json:
    """A file or sound as Gemini takes it; None for what it has no place for."""
    one = _read(part)
    held = one.get(part.kind)
    if one.keys() != {"type", part.kind} or not isinstance(held, dict):
        return None
    if part.kind == "input_audio" and held.keys() == {"data", "format"}:
        kind, data = _SOUNDS.get(str(held["format"])), held["data"]
        sound = kind is not None and isinstance(data, str)
        return {"inlineData": {"mimeType": kind, "data": data}} if sound else None
    if part.kind != "file":
        return None
    return _linked(held) if "file_url" in held else _inline(held)


def _linked(held: Row) -> Json:
    address = held["file_url"]
    if not isinstance(address, str) or not held.keys() <= {"file_url", "mime_type"}:
        return None
    kind = held.get("mime_type") or mimetypes.guess_type(address)[0]
    if not isinstance(kind, str) or not address.startswith(_PLACES):
        return None
    return {"fileData": {"mimeType": kind, "fileUri": address}}


def _inline(held: Row) -> Json:
    data = held.get("file_data")
    found = _DATA_URL.fullmatch(data) if isinstance(data, str) else None
    if found is None or not held.keys() <= {"file_data", "filename"}:
        return None
    named: Row = {"displayName": held["filename"]} if "filename" in held else {}
    return {"inlineData": {"mimeType": found[1], "data": found[2], **named}}


def nova_block(part: Part) -> Json:
    """A film or document as Nova takes it; None for any other part."""
    one = _read(part)
    return one if len(one) == 1 and one.keys() <= BLOCKS else None


def _read(part: Part) -> Row:
    found = json.loads(part.text) if part.kind not in ("text", "image") else None
    return found if isinstance(found, dict) else {}
