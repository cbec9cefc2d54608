"""Values before they are put into a prompt: plain, visible, and unable to close a tag.

Laws: what reaches a template is exactly of a built-in type, so that no `__html__` and no overridden
`__str__` runs. Characters that nobody sees are removed: Unicode's Cc and Cf but line feed and tab.
Kept are the joiners where the neighbours need them (letters of Arabic and of Indic and South East
Asian scripts, after RFC 5892, appendix A; emoji, after UTS 51), the number signs of Arabic, Syriac
and Kaithi, which are of Cf but seen (Unicode 15, section 9.2), and one variation selector a
character. Escaped are only & < and >: quotes in a prompt are quotes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from tunectl.prompts.errors import PromptError

_JOINERS = "\u200c\u200d"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Every character of category Cc, Cf or Cs but line feed, tab and the signs that are seen, and the
# variation selectors. Ranges, for asking the category of each character costs fifty times more.
_SUSPICIOUS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    f"\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f\ud800-\udfff{_SELECTORS}]"
)
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85]")
_JOINED_SCRIPT = re.compile(
    "[\u0600-\u08ff\u0900-\u0dff\u0e00-\u109f\u1780-\u18af\u1a20-\u1aaf\u1b00-\u1bff"
    "\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00010fff\U00011000-\U00011fff"
    "\U0001e900-\U0001e95f]"
)
_EMOJI = re.compile("[\u00a9\u00ae\u2000-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_VIRAMA = 9  # canonical combining class
_DEEPEST = 8


def cleaned(text: str) -> str:
    r"""Return a text without invisible characters; line ends become `\n`.

    >>> cleaned("a\u202eb\u200bc\x00d")
    'abcd'
    """
    plain = str.__str__(text)
    if _SUSPICIOUS.search(plain) is None:
        return plain
    return _SUSPICIOUS.sub(_kept, _BREAKS.sub("\n", plain))


def _kept(found: re.Match[str]) -> str:
    character, text, at = found.group(), found.string, found.start()
    before = text[at - 1] if at else ""
    if _SELECTOR.match(character):
        seen = before and not before.isspace() and _SUSPICIOUS.match(before) is None
        return character if seen else ""
    if character not in _JOINERS:
        return "\ufffd" if "\ud800" <= character <= "\udfff" else ""
    if _SELECTOR.match(before) and at > 1:
        before = text[at - 2]
    if before and unicodedata.combining(before) == _VIRAMA:
        return character
    after = text[at + 1 : at + 2]
    needed = (_JOINED_SCRIPT,) if character == "\u200c" else (_JOINED_SCRIPT, _EMOJI)
    visible = _SUSPICIOUS.match(before) is None and _SUSPICIOUS.match(after) is None
    both = any(script.match(before) and script.match(after) for script in needed)
    return character if visible and both else ""


def escaped(text: str) -> str:
    """Return a text that can neither open nor close a tag.

    >>> escaped("</user_profile> O'Brien")
    "&lt;/user_profile&gt; O'Brien"
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def inert(value: Any, where: str) -> Any:  # noqa: ANN401  # any value of a user
    """Return a value made of nothing but built-in types, its texts cleaned.

    Args:
        value: a text, a number, a truth value, or a list or mapping of such.
        where: what it is, for the message.

    Raises:
        PromptError: it is or holds something else; the value itself is not told.
    """
    return _inert(value, where, 0)


def _inert(value: Any, where: str, depth: int) -> Any:  # noqa: ANN401
    if isinstance(value, str):
        return cleaned(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if depth < _DEEPEST and isinstance(value, Mapping):
        return {
            _inert(str(key), where, depth): _inert(item, where, depth + 1)
            for key, item in value.items()
        }
    if depth < _DEEPEST and isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_inert(item, where, depth + 1) for item in value]
    raise PromptError(
        f"{where} holds a value of type {type(value).__name__}, which no prompt takes"
    )
