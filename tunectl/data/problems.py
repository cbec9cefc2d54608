"""The collector of what is wrong: everything at once, but never a flood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from tunectl.core.errors import Diagnostic, Exit, Severity, Source
from tunectl.data.excerpt import excerpt

BROKEN_LINES_SHOWN = 20
_BROKEN = "broken-lines"


class Problems:
    """Takes problems in the order they are found.

    Attributes:
        failures: how many things stand in the way of using the data at all.
    """

    def __init__(self, where: Source | None, allow: Mapping[str, str]) -> None:
        self.failures = 0
        self._where = where
        self._allow = allow
        self._found: list[Diagnostic] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._shown: Counter[tuple[str, str]] = Counter()
        self._example: dict[tuple[str, str], Diagnostic] = {}

    def cannot(
        self,
        code: str,
        summary: str,
        *,
        file: str = "",
        hint: str = "",
        detail: str = "",
        exit: Exit = Exit.ERROR,  # noqa: A002  # the settled word
    ) -> None:
        """Something as a whole cannot be used; shown at the file, else at the dataset's YAML."""
        self.failures += 1
        source = Source(file) if file else self._where
        self._found.append(
            Diagnostic(
                summary=summary, code=code, hint=hint, detail=detail, source=source, exit=exit
            )
        )

    def broken(
        self,
        code: str,
        summary: str,
        *,
        file: str,
        line: int,
        column: int = 0,
        raw: bytes | str = b"",
        hint: str = "",
    ) -> None:
        """One line cannot be read; of these the first 20 are shown, then a count.

        Of the lines that are not UTF-8, one a file is shown.
        """
        self.failures += 1
        text, detail = excerpt(raw, column)
        source = Source(file, line, column, text)
        made = Diagnostic(summary=summary, code=code, hint=hint, detail=detail, source=source)
        if code == "not-utf8":  # all of a file is, mostly
            self._limited((_BROKEN, file), made, 1)
        else:
            self._limited((_BROKEN, ""), made, BROKEN_LINES_SHOWN)

    def breaks(self, made: Diagnostic, *, about: str = "", shown: int = 10) -> None:
        """A rule is broken; of each rule (and subject) the first few are shown, then a count."""
        self._limited((made.code, about), made, shown)

    def note(self, made: Diagnostic) -> None:
        """Say something that neither stops nor refuses."""
        self._found.append(made)

    def _limited(self, key: tuple[str, str], made: Diagnostic, shown: int) -> None:
        self._seen[key] += 1
        if made.code in self._allow:
            return
        if self._shown[key] < shown:
            self._shown[key] += 1
            self._found.append(made)
        else:
            self._example[key] = made

    def result(self) -> tuple[Diagnostic, ...]:
        """Everything found, then the counts of what was left out and the waivers that were used.

        Data that cannot be read is an error as a whole, whatever rules it breaks besides.
        """
        found = [*self._found, *self._rest(), *self._waived()]
        if self.failures:
            found = [
                d if d.exit is Exit.CREDENTIALS else replace(d, exit=Exit.ERROR) for d in found
            ]
        return tuple(found)

    def _rest(self) -> list[Diagnostic]:
        made = []
        for key, last in self._example.items():
            left = self._seen[key] - self._shown[key]
            what = _what(key[0], last.code, left)
            about = f" ({key[1]})" if key[1] and key[0] != _BROKEN else ""
            source = last.source and replace(last.source, column=0, text="")
            made.append(
                replace(
                    last,
                    summary=f"and {left} more {what}{about}",
                    detail="",
                    hint="",
                    source=source,
                    stands_for=left,
                )
            )
        return made

    def _waived(self) -> list[Diagnostic]:
        made = []
        for code, reason in self._allow.items():
            times = sum(n for (seen, _), n in self._seen.items() if seen == code)
            often = "once" if times == 1 else f"{times} times"
            if times:
                made.append(
                    Diagnostic(
                        summary=f"`{code}` is allowed here, found {often}: {reason}",
                        severity=Severity.INFO,
                        code=code,
                        source=self._where,
                        exit=Exit.DONE,
                    )
                )
        return made


def _what(rule: str, code: str, count: int) -> str:
    """What was left out, in the singular or the plural."""
    if rule != _BROKEN:
        return f"row that breaks `{rule}`" if count == 1 else f"rows that break `{rule}`"
    if code == "cannot-convert":
        return "row that cannot be written" if count == 1 else "rows that cannot be written"
    return "line that cannot be read" if count == 1 else "lines that cannot be read"
