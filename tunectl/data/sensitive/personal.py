"""Personal data: what names or numbers a living person, by checksum where there is one.

A number whose check is weak (one digit) counts only where a word beside it says what it is. Numbers
that are published as examples, addresses of departments and private networks are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from ipaddress import AddressValueError, IPv4Address

from tunectl.core.dataclass import dataclass
from tunectl.data.pattern import regex
from tunectl.data.sensitive.checksums import (
    is_card,
    is_iban,
    is_inn,
    is_nip,
    is_pesel,
    is_polish_document,
    is_regon,
    is_snils,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of number.

    Attributes:
        pattern: where it may stand; its separators are taken out before the check.
        check: whether it proves itself.
        beside: a word that must stand at most 40 characters before it; None when none must.
    """

    what: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool]
    beside: re.Pattern[str] | None = None


def _word(pattern: str) -> re.Pattern[str]:
    return regex(pattern, re.IGNORECASE)


def _is_phone(text: str) -> bool:
    return 9 <= len(text.lstrip("+")) <= 15 and len(set(text)) > 3


def _varies(digits: str) -> bool:
    return len(set(digits)) > 3


def _is_european_nip(text: str) -> bool:
    return is_nip(text.removeprefix("PL"))


def _is_polish_account(digits: str) -> bool:
    return is_iban(f"PL{digits}")


def _number(pattern: str) -> re.Pattern[str]:
    """A number that is no part of a longer one, of a decimal, a date or a path."""
    return regex(rf"(?<![\w.,+/-])(?:{pattern})(?![\w]|[.,/-]\d)")


_NIP_WORDS = _word(r"\bnip\b|\bvat\b|podatnik")
_PASSPORT_WORDS = _word(r"dow[oó]d|paszport|passport|identity|\bid card")
_PHONE_WORDS = _word(
    r"\btel\b|telefon|\bkom\b|kom[oó]rk|\bphone|\bcall\b|\bmobile|whatsapp|\bтел\b|телефон|звон"
)
_KINDS = (
    _Kind("a payment card number", _number(r"\d(?:[ -]?\d){12,18}"), is_card),
    _Kind(
        "an IBAN",
        _number(r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?"),
        is_iban,
    ),
    _Kind("a Polish account number", _number(r"\d\d(?: ?\d{4}){6}"), _is_polish_account),
    _Kind("a PESEL", _number(r"\d{11}"), is_pesel),
    _Kind(
        "a NIP",
        _number(r"(?:PL ?)?(?:\d{3}-\d{3}-\d\d-\d\d|\d{3}-\d\d-\d\d-\d{3})"),
        _is_european_nip,
    ),
    _Kind("a NIP", _number(r"(?:PL ?)?\d{10}"), _is_european_nip, _NIP_WORDS),
    _Kind("a REGON", _number(r"\d{14}|\d{9}"), is_regon, _word(r"\bregon\b")),
    _Kind(
        "a Polish identity document",
        _number(r"[A-Z]{3} ?\d{6}|[A-Z]{2} ?\d{7}"),
        is_polish_document,
        _PASSPORT_WORDS,
    ),
    _Kind("a Russian INN", _number(r"\d{12}"), is_inn),
    _Kind("a Russian INN", _number(r"\d{10}"), is_inn, _word(r"\bинн\b|\binn\b")),
    _Kind("a SNILS", _number(r"\d{3}-\d{3}-\d{3}[ -]\d\d"), is_snils),
    _Kind("a SNILS", _number(r"\d{11}"), is_snils, _word("снилс|snils")),
    _Kind(
        "a Russian passport number",
        _number(r"\d\d ?\d\d[ №-]{0,3}\d{6}"),
        _varies,
        _word("паспорт|серия|passport"),
    ),
    _Kind(
        "a phone number",
        regex(r"(?<![\w.,+/-])(?:\+|00)\d{1,3}(?:[ .()-]{0,2}\d{2,4}){2,5}(?!\w)"),
        _is_phone,
    ),
    # A Russian mobile as it is written at home; `8 800` is nobody's.
    _Kind("a phone number", _number(r"8[ -]?\(?9\d\d\)?[ -]?\d{3}[ -]\d\d[ -]?\d\d"), _is_phone),
    _Kind(
        "a phone number",
        _number(r"\(?\d{2,4}\)?(?:[ -]{0,2}\d{2,4}){2,4}"),
        _is_phone,
        _PHONE_WORDS,
    ),
)
_MAIL = regex(r"(?<![\w.+-])([\w.+-]{1,64})@((?:[\w-]+\.)+[^\W\d_]{2,24})(?!\w)")
_NOBODY = frozenset(
    (  # noqa: SIM905  # a list of words reads better in lines
        "info support help kontakt contact sales biuro office noreply no-reply admin pomoc sklep "
        "hello team press service billing user username name email mail you me someone test foo "
        "bar git postmaster webmaster reklamacje zamowienia obsluga bok rodo iod privacy careers "
        "jobs"
    ).split()
)
_EXAMPLES = regex(
    r"(?:^|\.)(?:example|test|invalid|localhost|przyklad|domain|domena|mail|company|firma|email"
    r"|(?:your|my|twoja|moja)-?(?:domain|company|site|website|shop|domena|firma|strona|sklep))"
    r"(?:\.[a-z]{2,9}){1,2}$"
    r"|\.(?:example|test|invalid|local|localhost)$",
    re.IGNORECASE,
)
_PLACEHOLDER = regex(
    r"(?:your|my|tw[oó]j|user)[._-]?(?:first|last|full)?[._-]?(?:name|mail|e-?mail|address|adres)$"
    r"|first[._-]?name[._-]?last[._-]?name$|imi[eę][._-]?nazwisko$"
)
_ADDRESS = regex(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_VERSION = regex(r"(?:\bv|ver|version|wersj\w*|верси\w*|release|build)[. :]*$", re.IGNORECASE)
_RESOLVERS = frozenset({"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"})
# What every kind of number has: nine digits close together, or the letters of a document and six.
_MAYBE = regex(r"\d(?:[ .()№-]{0,3}\d){8}|[A-Z] ?\d{6}")
_SEPARATORS = str.maketrans("", "", " -.()№")
_BESIDE = 40


def personal_data(text: str) -> Iterator[tuple[str, int]]:
    """The personal data in a text: of each kind what it is and at which character (0-based)."""
    told: set[tuple[int, int]] = set()
    for kind in _KINDS if _MAYBE.search(text) else ():
        for found in kind.pattern.finditer(text):
            start, end = found.span()
            if any(start < there and here < end for here, there in told):
                continue
            before = text[max(0, start - _BESIDE) : start]
            if kind.beside is not None and not kind.beside.search(before):
                continue
            if kind.check(found[0].translate(_SEPARATORS)):
                told.add((start, end))
                yield kind.what, start
    for found in _MAIL.finditer(text) if "@" in text else ():
        name = found[1].lower()
        if name in _NOBODY or _PLACEHOLDER.match(name):
            continue
        if not _EXAMPLES.search(found[2]):
            yield "an e-mail address", found.start()
    for found in _ADDRESS.finditer(text):
        if _is_public(found[0]) and not _VERSION.search(
            text[max(0, found.start() - 12) : found.start()]
        ):
            yield "a public IP address", found.start()


def _is_public(text: str) -> bool:
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return False
    return address.is_global and not address.is_multicast and text not in _RESOLVERS
