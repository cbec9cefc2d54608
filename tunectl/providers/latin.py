"""Names in any script as lower-case a to z, for services whose names take nothing else."""

from __future__ import annotations

import re
import unicodedata

# Latin letters that have no decomposition, and Cyrillic as passports write it (ICAO Doc 9303,
# part 3, table 6B), which needs no other sign than a to z.
_LETTERS = str.maketrans(
    {
        "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe",
        "ı": "i", "ħ": "h", "ŋ": "n",
        "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "е": "e", "ё": "e", "ж": "zh",
        "з": "z", "и": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o",
        "п": "p", "р": "r", "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts",
        "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "ie", "ы": "y", "ь": "", "э": "e", "ю": "iu",
        "я": "ia", "і": "i", "ї": "i", "є": "ie", "ґ": "g", "ў": "u",
    }
)  # fmt: skip


def ascii_name(text: str) -> str:
    """Return text as lower-case a to z, 0 to 9 and single hyphens.

    >>> ascii_name("Obsługa Klientów"), ascii_name("Поддержка_2")
    ('obsluga-klientow', 'podderzhka-2')
    """
    # Composed first: Cyrillic й must not fall apart into и and a sign.
    lowered = unicodedata.normalize("NFC", text).lower().translate(_LETTERS)
    split = unicodedata.normalize("NFKD", lowered)
    bare = "".join(c for c in split if not unicodedata.combining(c)).translate(_LETTERS)
    return re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
