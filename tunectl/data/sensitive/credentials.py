"""Keys by the patterns that their issuers publish or that secret scanners agree on.

Gitleaks and detect-secrets were read in 2026-11.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from tunectl.data.pattern import regex

_B = r"(?<![A-Za-z0-9_])"
_E = r"(?![A-Za-z0-9_])"
# What it is, the pattern, and the needles of the folded bytes.
KINDS: tuple[tuple[str, re.Pattern[str], tuple[bytes, ...]], ...] = (
    ("an API key", regex(rf"{_B}sk-(?:[a-z0-9]{{2,12}}-)*[A-Za-z0-9_-]{{20,}}"), (b"sk-",)),
    ("an AWS access key", regex(rf"{_B}(?:AKIA|ASIA|ABIA)[A-Z0-9]{{16}}{_E}"),
     (b"akia", b"asia", b"abia")),
    ("a Google API key", regex(rf"{_B}AIza[0-9A-Za-z_-]{{35}}"), (b"aiza",)),
    ("a Google OAuth token", regex(rf"{_B}ya00\.[0-9A-Za-z_-]{{20,}}".replace("00", "29")),
     (b"ya00.",)),
    ("a GitHub token", regex(rf"{_B}(?:gh[pousr]_[A-Za-z0-9]{{36}}|github_pat_\w{{22,}})"),
     (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_")),
    ("a GitLab token", regex(rf"{_B}glpat-[\w-]{{20,}}"), (b"glpat-",)),
    ("a Slack token", regex(rf"{_B}xox[abeprs]-[0-9A-Za-z-]{{10,}}"), (b"xox",)),
    ("a Slack webhook", regex(r"hooks\.slack\.com/services/T\w+/B\w+/\w{16,}"),
     (b"hooks.slack.com",)),
    ("a Hugging Face token", regex(rf"{_B}hf_[A-Za-z0-9]{{30,}}"), (b"hf_",)),
    ("a Stripe key", regex(rf"{_B}[rs]k_live_[0-9a-zA-Z]{{16,}}"), (b"k_live_",)),
    ("a Groq key", regex(rf"{_B}gsk_[A-Za-z0-9]{{40,}}"), (b"gsk_",)),
    ("an npm token", regex(rf"{_B}npm_[A-Za-z0-9]{{36}}"), (b"npm_",)),
    ("a PyPI token", regex(rf"{_B}pypi-AgEI[\w-]{{40,}}"), (b"pypi-agei",)),
    ("a SendGrid key", regex(rf"{_B}SG\.[\w-]{{20,24}}\.[\w-]{{40,}}"), (b"sg.",)),
    ("a Telegram bot token", regex(rf"{_B}[0-9]{{8,10}}:AA[\w-]{{33}}{_E}"), (b"0:aa",)),
    ("a private key", regex(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
     (b"private key",)),
    ("a JSON Web Token",
     regex(rf"{_B}eyJ[A-Za-z0-9_-]{{8,}}\.eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{16,}}"),
     (b"eyj",)),
    ("a password in a URL",
     regex(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>{}$*]{1,64}:([^\s/@\"'<>{}$*]{6,64})@[\w.-]+"),
     (b"://",)),
)  # fmt: skip
DUMMY = regex(
    r"example|sample|dummy|changeme|placeholder|your|xxx|\.\.\.|…|\*\*|redacted|123456",
    re.IGNORECASE,
)
LEAST_ENTROPY = 3.0  # bits a character; ten characters that all differ have 3.3


# As the checks of rows fold their bytes: lower case, every digit a zero.
_FOLD = str.maketrans("123456789", "000000000")


def may_hold_secrets(texts: Iterable[str]) -> bool:
    """Whether any of many texts may hold a key: at a tenth of the cost of asking `secrets` of each.

    A key of a kind stands only where one of the kind's needles does.
    """
    folded = "\n".join(texts).lower().translate(_FOLD)
    return any(needle.decode() in folded for *_, needles in KINDS for needle in needles)


def secrets(text: str) -> Iterator[tuple[str, int]]:
    """The keys in a text: of each kind the first, what it is and at which character (0-based)."""
    for what, pattern, _ in KINDS:
        for found in pattern.finditer(text):
            value = found[found.lastindex or 0]
            if not DUMMY.search(value) and _is_random(what, value):
                yield what, found.start()
                break


def _is_random(what: str, value: str) -> bool:
    """Whether a value has the digits and variety of a key; words with hyphens have not."""
    if what == "a private key":
        return True
    if what == "a password in a URL":
        return len(set(value)) > 4
    return any(c.isdigit() for c in value) and entropy(value) >= LEAST_ENTROPY


def entropy(text: str) -> float:
    """Shannon's entropy of the characters, in bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts)
