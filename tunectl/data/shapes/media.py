"""Images, sound and files: the parts of OpenAI's chat object for what other formats carry.

Law: nothing of the part is lost. What the part of OpenAI's has no place for (the type of a linked
file whose name does not tell it) stays beside the address, and the checks report it.
"""

from __future__ import annotations

import mimetypes

from tunectl.data.fingerprint import Json, Row

_SOUND = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def inline_part(data: Row) -> Json:
    """The part of `{mimeType, data}`, None when it is none."""
    kind, content = data.get("mimeType"), data.get("data")
    if not isinstance(kind, str) or not isinstance(content, str):
        return None
    more: Row = {k: v for k, v in data.items() if k not in ("mimeType", "data", "displayName")}
    if kind in ("audio/wav", "audio/mp3"):
        return {"type": "input_audio", "input_audio": {"data": content, "format": _SOUND[kind]}}
    url = f"data:{kind};base64,{content}"
    if kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url, **more}}
    name = data.get("displayName")
    named: Row = {} if name is None else {"filename": name}
    return {"type": "file", "file": {"file_data": url, **named, **more}}


def linked_part(data: Row) -> Json:
    """The part of `{mimeType, fileUri}`, None when it is none."""
    kind, address = data.get("mimeType"), data.get("fileUri")
    if not isinstance(address, str) or not isinstance(kind, str | None):
        return None
    guessed = mimetypes.guess_type(address)[0]
    more: Row = {k: v for k, v in data.items() if k not in ("mimeType", "fileUri")}
    if kind is not None and kind != guessed:
        more["mime_type"] = kind
    if (kind or guessed or "").startswith("image/"):
        return {"type": "image_url", "image_url": {"url": address, **more}}
    return {"type": "file", "file": {"file_url": address, **more}}
