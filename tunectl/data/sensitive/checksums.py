"""Numbers that prove themselves: check digits and dates of birth inside of official numbers.

Sources: PESEL (Polish act on the population register, annex), NIP and REGON (weights published by
the Polish tax office and statistical office), Russian INN (Federal Tax Service order, 2012) and
SNILS (Pension Fund rules; numbers above 001-001-998), IBAN (ISO 13616, modulo 97), cards (ISO/IEC
7812, Luhn), Polish identity card and passport (weights 7 3 1).
"""

from __future__ import annotations

from datetime import date

_CENTURIES = {0: 1900, 20: 2000, 40: 2100, 60: 2200, 80: 1800}
# Lengths by country, of the countries whose customers such data most often holds (ISO 13616).
_IBAN_LENGTH = {
    "AT": 20, "BE": 16, "BG": 22, "BY": 28, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22,
    "IS": 26, "IT": 27, "KZ": 20, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MD": 24, "MT": 31,
    "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24, "RS": 22, "SE": 24, "SI": 19, "SK": 24,
    "TR": 26, "UA": 29,
}  # fmt: skip


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(d) * w for d, w in zip(digits, weights, strict=False))


def is_pesel(digits: str) -> bool:
    """A Polish PESEL: 11 digits, a date of birth, and a check digit."""
    if len(digits) != 11:
        return False
    month = int(digits[2:4])
    try:
        date(_CENTURIES[month // 20 * 20] + int(digits[:2]), month % 20, int(digits[4:6]))
    except ValueError:
        return False
    return _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_nip(digits: str) -> bool:
    """A Polish tax number: 10 digits."""
    rest = _weighted(digits, (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11
    return len(digits) == 10 and rest == int(digits[9]) and len(set(digits)) > 1


def is_regon(digits: str) -> bool:
    """A Polish business number: 9 or 14 digits."""
    weights = {9: (8, 9, 2, 3, 4, 5, 6, 7), 14: (2, 4, 8, 5, 0, 9, 7, 3, 6, 1, 2, 4, 8)}
    chosen = weights.get(len(digits))
    if chosen is None or len(set(digits)) == 1:
        return False
    return _weighted(digits, chosen) % 11 % 10 == int(digits[-1])


def is_inn(digits: str) -> bool:
    """A Russian tax number: 10 digits of a company, 12 of a person."""
    if len(set(digits)) == 1:
        return False
    if len(digits) == 10:
        return _weighted(digits, (2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10 == int(digits[9])
    if len(digits) != 12:
        return False
    first = _weighted(digits, (7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    second = _weighted(digits, (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)) % 11 % 10
    return (first, second) == (int(digits[10]), int(digits[11]))


def is_snils(digits: str) -> bool:
    """A Russian pension insurance number: 11 digits, the last two a checksum."""
    if len(digits) != 11 or digits[:9] <= "001001998":
        return False
    total = _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, 1))
    return total % 101 % 100 == int(digits[9:])


def is_card(digits: str) -> bool:
    """A payment card: 13 to 19 digits, an issuer's beginning, and Luhn's check digit."""
    if not 13 <= len(digits) <= 19 or len(set(digits)) < 4 or not _has_issuer(digits):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _has_issuer(digits: str) -> bool:
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    return (
        (digits[0] == "4" and size in (13, 16, 19))
        or (size == 16 and (51 <= two <= 55 or 2221 <= four <= 2720 or 2200 <= four <= 2204))
        or (size == 15 and two in (34, 37))
        or (size >= 16 and (two in (35, 62, 65) or four == 6011))
        or (size == 14 and two in (36, 38))
    )


def is_iban(text: str) -> bool:
    """An international account number, without spaces; a bare Polish one begins with `PL` here."""
    if _IBAN_LENGTH.get(text[:2].upper()) != len(text):
        return False
    turned = text[4:] + text[:4]
    if not turned.isalnum() or not turned.isascii():
        return False
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1


def is_polish_document(text: str) -> bool:
    """A Polish identity card (`ABC523456`) or passport (`ZS0000177`): letters, digits, a check."""
    letters = {3: (7, 3, 1, 9, 7, 3, 1, 7, 3), 2: (7, 3, 9, 1, 7, 3, 1, 7, 3)}
    count = len(text) - len(text.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if len(text) != 9 or count not in letters or not text[count:].isdigit():
        return False
    values = [int(char, 36) for char in text]
    return sum(v * w for v, w in zip(values, letters[count], strict=True)) % 10 == 0
