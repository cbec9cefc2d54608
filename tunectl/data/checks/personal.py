"""Personal data: it would leave this machine, and a model may repeat it.

A diagnostic names the kind and the place, never the value nor its length.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Finding, RowRule, Rule
from tunectl.data.checks.texts import texts_of
from tunectl.data.fingerprint import Row
from tunectl.data.sensitive.personal import personal_data

PERSONAL_DATA = Rule(
    name="personal-data",
    number="D25",
    hint="replace it by a placeholder, or allow it with the ground on which it may be used",
    reason="personal data would leave this machine and may be repeated by the model",
    severity=Severity.WARNING,
    secretive=True,
)


def _personal(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        for what, at in personal_data(one.text):
            yield Finding(
                f"`{one.path}` holds what looks like {what} (character {at + 1})", about=what
            )


# Every digit is `0` in folded bytes.
_NEEDLES = (
    b"000000000", b"@", b".0.0", b".00.0", b".000.0",
    b"0000 0000 0000", b"0000-0000-0000", b"00 0000 0000", b"0000 000000", b"0000-000000",
    b"00 000000", b"00 000 00", b"000 000 000", b"000-000-000", b"000-000 000",
    b"000-000-00", b"000-00-00", b"000 00 00", b"00-00-00", b"00.00.00", b"000.000.000",
    b"000 0000", b"000-0000", b"000) 000", b"000)000", b"00) 000", b"00)000",
    b" +0", b"(+0", b":+0", b'"+0', b"n+0", b" 000000", "№000000".encode(),
    *(b"%c000000" % letter for letter in b"abcdefghijklmnopqrstuvwxyz"),
)  # fmt: skip
RULES = (RowRule(PERSONAL_DATA, _personal, _NEEDLES),)
