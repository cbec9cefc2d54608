"""A plan in the format that was asked for."""

from __future__ import annotations

from collections.abc import Iterable

from tunectl.core.errors import Diagnostic
from tunectl.core.plan import Plan
from tunectl.views.paint import Paint


def plan_as(
    format_: str, plan: Plan, paint: Paint, version: str, warnings: Iterable[Diagnostic] = ()
) -> str:
    """Return the plan as `human`, `json` or `markdown` text without a last newline."""
    if format_ == "json":
        from tunectl.views.json_plan import plan_tree
        from tunectl.views.text import json_text

        return json_text(plan_tree(plan, version, warnings), indent=2)
    if format_ == "markdown":
        from tunectl.views.markdown import plan_markdown

        return plan_markdown(plan).rstrip("\n")
    from tunectl.views.human_plan import plan_text

    return plan_text(plan, paint)
