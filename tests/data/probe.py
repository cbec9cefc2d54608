"""The probe of six defects: one file of 100 rows, and what must be found in it.

The defects are those that other validators were given too: a wrong order of roles, an empty answer,
a question with two answers, a row longer than the model trains on, a secret, and a row of another
shape than the rest.
"""

from __future__ import annotations

from tests.data.planting import ASSISTANT, SYSTEM, USER, Row, row, said, talks
from tunectl.data.targets import Target

TARGET = Target("openai", "gpt-4.1-nano")
LONG = "Streść: " + "paczka dotarła do domu klienta wczoraj " * 6_000
# The line, the defect in words, the code of the finding, and the row.
DEFECTS: tuple[tuple[int, str, str, Row], ...] = (
    (4, "wrong role order", "message-order", row(USER, SYSTEM, ASSISTANT)),
    (11, "empty answer", "empty-content", said("", "Kto to?")),
    (
        21,
        "duplicate with another answer",
        "conflicting-targets",
        said("Nie wiem.", "Gdzie paczka 3?"),
    ),
    (31, "over-long example", "too-long", said("Dobrze.", LONG)),
    (41, "secret", "secret", said("Klucz: AKIAQ3EGTB7XWZ5RLMNP", "Jaki klucz?")),
    (
        61,
        "mixed shapes",
        "mixed-shapes",
        {"prompt": "Gdzie paczka 900?", "completion": "W drodze."},
    ),
)


def rows(*without: str) -> list[Row]:
    """The file; without some of the defects, by their codes."""
    found = talks(100)
    for line, _, code, planted in DEFECTS:
        if code not in without:
            found[line - 1] = planted
    return found
