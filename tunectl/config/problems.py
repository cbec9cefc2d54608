"""The collector of what is wrong: every problem of a run, once each, in the order of the files."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import replace

from tunectl.core.errors import ConfigError, Diagnostic, Exit, Severity, Source

# Who logs in at a URL, and with which password; the line of a file is shown beside its problem.
_LOGIN = re.compile(r"""(?<=://)[^\s"']*(?=@)|(?<=[?&]password=)[^&\s"'}]+""")


class Problems:
    """Takes problems in any order."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], Diagnostic] = {}
        self._anchors: dict[str, Source] = {}
        self._excused: frozenset[str] = frozenset()

    def error(
        self,
        summary: str,
        source: Source | None,
        *,
        hint: str = "",
        code: str = "",
        detail: str = "",
        address: str = "",
        exit: Exit = Exit.ERROR,  # noqa: A002  # the word of `Diagnostic`
    ) -> None:
        """Record an error."""
        self.add(
            Diagnostic(
                summary=summary,
                source=source,
                hint=hint,
                code=code,
                detail=detail,
                address=address,
                exit=exit,
            )
        )

    def warn(
        self,
        summary: str,
        source: Source | None,
        *,
        hint: str = "",
        code: str = "",
        address: str = "",
    ) -> None:
        """Record a warning."""
        self.add(
            Diagnostic(
                summary=summary,
                severity=Severity.WARNING,
                source=source,
                hint=hint,
                code=code,
                address=address,
            )
        )

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)

    def uses_anchor(self, alias: Source, anchor: Source) -> None:
        """Note where the value of an alias is written, for what may be wrong with it."""
        self._anchors[str(alias)] = anchor

    def excuse(self, codes: Iterable[str]) -> None:
        """Say nothing of these kinds from now on: an error that was told already is their cause."""
        self._excused |= frozenset(codes)

    def add(self, made: Diagnostic) -> None:
        """Record a diagnostic; the same one at the same place counts once."""
        if made.code in self._excused:
            return
        if not made.detail and (anchor := self._anchors.get(str(made.source))) is not None:
            made = replace(made, detail=f"the value is written at the anchor, {anchor}")
        if made.source is not None and "://" in made.source.text:
            text = _LOGIN.sub("***", made.source.text)
            made = replace(made, source=replace(made.source, text=text))
        self._found.setdefault((made.summary, str(made.source or ""), made.detail), made)

    def extend(self, made: Iterable[Diagnostic]) -> None:
        """Record several."""
        for diagnostic in made:
            self.add(diagnostic)

    def speaks_of(self, address: str, source: Source) -> bool:
        """Whether something is said of an address at a place."""
        return any((d.address, d.source) == (address, source) for d in self._found.values())

    def instead(self, made: Diagnostic) -> None:
        """Record a diagnostic instead of what is said already of its address at its place."""
        said = (made.address, made.source)
        self._found = {k: d for k, d in self._found.items() if (d.address, d.source) != said}
        self.add(made)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(d.severity is Severity.ERROR for d in self._found.values())

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """Everything: errors first, each sorted by place."""
        return tuple(sorted(self._found.values(), key=_rank))

    def stop(self) -> None:
        """Raise when there is an error.

        Raises:
            ConfigError: with everything that was found.
        """
        if self.failed:
            raise ConfigError(self.all)


def _rank(made: Diagnostic) -> tuple[bool, str, int, int]:
    place = made.source or Source("")
    return (made.severity is not Severity.ERROR, place.file, place.line, place.column)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint with the nearest known word; `otherwise` when none is near."""
    candidates = list(dict.fromkeys(known))
    head, dot, tail = word.partition(".")
    # Of addresses the names decide: that the kind is the same makes them no more alike.
    same = {c[len(head) + 1 :]: c for c in candidates if dot and c.startswith(f"{head}.")}
    near = [same[name] for name in difflib.get_close_matches(tail, same, n=1, cutoff=0.6)]
    if not near:
        others = [c for c in candidates if c not in same.values()]
        near = difflib.get_close_matches(word, others, n=1, cutoff=0.6)
    if not near:
        folded = {c.casefold().replace("-", "_"): c for c in candidates}
        found = folded.get(word.casefold().replace("-", "_"))
        near = [found] if found else []
    return f"did you mean `{near[0]}`?" if near else otherwise


def listed(words: Iterable[str], most: int = 8) -> str:
    """Return words in backticks, separated by commas, at most so many."""
    shown = [f"`{word}`" for word in words]
    rest = len(shown) - most
    return ", ".join(shown[:most]) + (f" and {rest} more" if rest > 0 else "")
