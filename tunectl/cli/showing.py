"""A plan in the format that was asked for."""

from __future__ import annotations

from collections.abc import Iterable

from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.plan import Plan
from tunectl.views.paint import Paint


def plan_as(
    format_: str, plan: Plan, paint: Paint, version: str, told: Iterable[Diagnostic] = ()
) -> str:
    """Return the plan as `human`, `json` or `markdown` text without a last newline.

    Args:
        format_: which.
        plan: what to show.
        paint: how to colour.
        version: tunectl's own.
        told: warnings, and the refusals of a plan that cannot be applied; people read both
            elsewhere, but for the refusals in a comment.
    """
    if format_ == "json":
        from tunectl.views.json_plan import plan_tree
        from tunectl.views.text import json_text

        return json_text(plan_tree(plan, version, told), indent=2)
    if format_ == "markdown":
        from tunectl.views.markdown import plan_markdown

        refusals = [d for d in told if d.severity is Severity.ERROR]
        return plan_markdown(plan, refusals=refusals).rstrip("\n")
    from tunectl.views.human_plan import plan_text

    return plan_text(plan, paint)
