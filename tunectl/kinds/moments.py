"""How durations and instants are read, as people write them. Needs no pydantic."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tunectl.kinds.reading import problem

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}  # seconds


_LONGEST = 100 * 366 * UNITS["d"]  # a deadline must stay within what a calendar can hold


_PART = re.compile(r"(\d+)([smhdw])")


DURATION = re.compile(r"\d+[smhdw](?:\s*\d+[smhdw])*")


_LONG_UNIT = re.compile(r"(?i)(\d+)\s*(sec|min|hour|hr|day|week|month|mon|mo|year|yr|y)[a-z]*")


_UNIT_OF = {"sec": "s", "min": "m", "hour": "h", "hr": "h", "day": "d", "week": "w"}


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)\s*([Zz]|[+-]\d{2}:?\d{2})?"
)


_SUCH_AS = "such as `30d`: a number and `s`, `m`, `h`, `d` or `w`"


_AT = "such as `2027-01-31` (00:00 UTC) or `2027-01-31T18:00+01:00`"


def seconds(value: object) -> int:
    """Return a duration such as `30d` or `1d12h` in seconds.

    Raises:
        PydanticCustomError: it is none; a bare number is refused, because its unit is a guess.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise problem("must be a duration", _SUCH_AS)
    text = str(value).strip()
    if not DURATION.fullmatch(text):
        raise problem(f"must be a duration, not `{text}`", _duration_hint(text))
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    if len(set(units)) < len(units):
        raise problem(f"names a unit twice: `{text}`", "write each unit once: `1d12h`")
    found = sum(int(number) * UNITS[unit] for number, unit in parts)
    if not 0 < found <= _LONGEST:
        raise problem(f"must be more than 0 and at most 100 years, not `{text}`", _SUCH_AS)
    return found


def _duration_hint(text: str) -> str:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        whole = text.partition(".")[0]
        return (
            f"a number needs its unit: `{whole}s`, `{whole}m`, `{whole}h`, `{whole}d` or `{whole}w`"
        )
    long = _LONG_UNIT.fullmatch(text)
    if long is None:
        return _SUCH_AS
    unit = _UNIT_OF.get(long[2].lower())
    if unit is None:
        return "months and years differ in length: write days, such as `30d`"
    return f"write `{int(long[1])}{unit}`"


def instant(value: object) -> str:
    """Return an instant as ISO 8601 in UTC; a date alone is its first moment in UTC.

    Raises:
        PydanticCustomError: it is none, or a time without its zone.
    """
    if not isinstance(value, str):
        raise problem("must be a date", _AT)
    text = value.strip()
    if _DATE.fullmatch(text):
        return _utc(f"{text}T00:00:00+00:00", text)
    found = _INSTANT.fullmatch(text)
    if found is None:
        hint = _AT
        if DURATION.fullmatch(text):
            hint = f"write `expires_after: {text}` for a time from the creation on"
        raise problem(f"must be a date, not `{text}`", hint)
    day, time, zone = found.groups()
    if zone is None:
        raise problem(
            f"names a time without its zone: `{text}`", f"write `{day}T{time}Z` if UTC is meant"
        )
    return _utc(f"{day}T{time}{'+00:00' if zone in 'Zz' else zone}", text)


def _utc(iso: str, said: str) -> str:
    try:
        at = datetime.fromisoformat(iso).astimezone(UTC)
    except (ValueError, OverflowError):
        raise problem(f"is not in the calendar: `{said}`", _AT) from None
    return at.replace(microsecond=0).isoformat().replace("+00:00", "Z")
