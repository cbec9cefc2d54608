"""What `prompt lint` found: for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from tunectl.core.errors import Diagnostic
from tunectl.views.diagnostics import count_text, diagnostic_text, validation_tree
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import clean, counted


class Findings(Protocol):
    """What was found in one template."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def findings(self) -> Sequence[Diagnostic]:
        """The worst first."""
        ...

    @property
    def tests(self) -> int:
        """How many were run."""
        ...

    @property
    def stable(self) -> float | None:
        """The share of the prompt that a cache can keep."""
        ...

    @property
    def possible(self) -> float | None:
        """The share that it could."""
        ...


def findings_text(found: Iterable[Findings], paint: Paint = PLAIN) -> str:
    """Return the findings, a block for each template."""
    blocks = []
    for one in found:
        blocks.append(paint(_head(one), Style.BOLD))
        blocks += [diagnostic_text(diagnostic, paint) for diagnostic in one.findings]
    return "\n\n".join(blocks) if blocks else "no prompt template is declared"


def _head(one: Findings) -> str:
    parts = [count_text(one.findings) or "nothing found"]
    if one.tests:
        parts.append(counted(one.tests, "test"))
    if one.stable is not None:
        parts.append(f"{one.stable:.0%} of it can be cached")
    return clean(f"{one.name or 'the declaration'}: {', '.join(parts)}")


def findings_tree(found: Iterable[Findings]) -> dict[str, Any]:
    """Return the findings as JSON: `validate`'s document, with the templates beside."""
    listed = list(found)
    tree = validation_tree([d for one in listed for d in one.findings])
    prompts = [
        {
            "prompt": one.name,
            "findings": len(one.findings),
            "tests": one.tests,
            "stable_prefix": one.stable,
            "possible_prefix": one.possible,
        }
        for one in listed
    ]
    return {**tree, "prompts": prompts}
