"""Text of others inside Markdown: nothing in it is markup, a link or a mention."""

from __future__ import annotations

import re

from tunectl.views.text import one_line

_MARKED = re.compile(r"([\\*_\[\]<>|#~!])")


def code(text: str) -> str:
    """A code span that no text can leave; a bar is escaped, as tables ask."""
    return "`" + one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def prose(text: str) -> str:
    """Text of others in prose: nothing in it is markup, a link or a mention but code spans."""
    parts = one_line(text).split("`")
    if len(parts) % 2 == 0:
        parts = ["'".join(parts)]
    return "".join(code(p) if i % 2 else _escaped(p) for i, p in enumerate(parts))


def _escaped(text: str) -> str:
    text = _MARKED.sub(r"\\\1", text.replace("&", "&amp;"))
    return text.replace("@", "@\u2060")


def attribute(text: str) -> str:
    """Text inside the hidden comment, which `-->` must not end."""
    return re.sub(r"[^\w.]+", "_", text) or "_"
