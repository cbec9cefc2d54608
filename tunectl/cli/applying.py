"""What `apply` and `destroy` share: run it, show it, say how it ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunectl.cli.approval import Approval
from tunectl.cli.presenter import now, presenter
from tunectl.cli.session import Session
from tunectl.core.errors import Diagnostic, Exit, Severity
from tunectl.views.diagnostics import diagnostics_text
from tunectl.views.outcome import (
    addressed,
    apply_summary,
    ended_text,
    incomplete_text,
    outputs_text,
    remains_text,
)
from tunectl.views.text import json_text

if TYPE_CHECKING:
    from tunectl.app.applying import Applied
    from tunectl.app.options import Aim


_ASIDE_SHOWN = 10
F = TypeVar("F", bound=Callable[..., Any])


def execution_options(function: F) -> F:
    """Add `--lock-timeout` and `--parallelism`; what they hold goes to the session."""

    def set_timeout(ctx: click.Context, param: click.Parameter, value: float) -> None:
        del param
        ctx.ensure_object(Session).lock_timeout = value

    def set_parallelism(ctx: click.Context, param: click.Parameter, value: int) -> None:
        del param
        ctx.ensure_object(Session).parallelism = value

    timeout = click.option(
        "--lock-timeout",
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        expose_value=False,
        callback=set_timeout,
        help="Wait so long for a held lock [default: 0].",
    )
    parallelism = click.option(
        "--parallelism",
        type=click.IntRange(1, 100),
        default=10,
        metavar="N",
        expose_value=False,
        callback=set_parallelism,
        help="Changes at once [default: 10].",
    )
    return timeout(parallelism(function))


def actor_option(function: F) -> F:
    """Add `--actor`."""
    return click.option(
        "--actor",
        default="",
        metavar="NAME",
        help="Who approves this [default: from the CI, or you].",
    )(function)


def carry_out(
    session: Session,
    *,
    aim: Aim,
    planned_file: Path | None = None,
    expect_digest: str | None = None,
    actor: str = "",
    retry_unknown: tuple[str, ...] = (),
    wait: bool = True,
    auto_approve: bool = False,
    json: bool = False,
) -> Exit:
    """Plan, ask, apply and report. Returns the exit code."""
    import tunectl
    from tunectl.app import acting, applying, planning

    session.machine = "ndjson" if json else ""
    if json:
        from tunectl.views import json_events  # with the shapes of all events

        session.screen.say(json_text(json_events.version_line(tunectl.__version__, now())))
    granted = auto_approve or expect_digest is not None or planned_file is not None
    approval = Approval(session, granted, aim.destroy)
    with presenter(session) as shown:
        asked = applying.Asked(
            approve=approval,
            on_event=shown.event,
            together=session.screen.together,
            planned_file=planned_file,
            expect_digest=expect_digest,
            actor=acting.actor(actor),
            aim=aim,
            retry_unknown=retry_unknown,
            wait=wait,
            on_interrupt=approval.interrupted,
        )
        try:
            applied = applying.apply(session.options(), asked)
        except planning.PlanRefused as refused:
            if not json:
                approval.present(refused.planned)
            raise
    return report(session, applied, approval.hidden, json=json)


def report(session: Session, applied: Applied, hidden: frozenset[str], *, json: bool) -> Exit:
    """Say how an apply ended. Returns the exit code."""
    (_report_json if json else _report)(session, applied, hidden)
    return applied.exit


def _counts(applied: Applied) -> tuple[int, int, int, int]:
    return applied.added, applied.changed, applied.destroyed, applied.forgotten


def _summary(applied: Applied) -> str:
    destroy = applied.plan.destroy
    if _is_incomplete(applied):
        return incomplete_text(
            _counts(applied),
            failed=len(applied.failures),
            running=len(applied.running),
            skipped=applied.skipped,
            blocked=len(applied.plan.blocked),
            imported=applied.imported,
            destroy=destroy,
        )
    return apply_summary(*_counts(applied), imported=applied.imported, destroy=destroy)


def _is_incomplete(applied: Applied) -> bool:
    left = applied.failures or applied.running or applied.skipped
    return bool(left or applied.plan.blocked)


def _ended(applied: Applied) -> dict[str, tuple[str, ...]]:
    """Which resources ended how, for an apply that could not do everything; else nothing."""
    if not _is_incomplete(applied):
        return {}
    ended = applied.ended
    found = {
        "done": ended.done,
        "failed": ended.failed,
        "running": ended.running,
        "not_started": ended.unbegun,
        "blocked": tuple(sorted({b.address for b in applied.plan.blocked} - {*ended.failed})),
    }
    return {name: tuple(map(str, addresses)) for name, addresses in found.items() if addresses}


def _problems(applied: Applied) -> tuple[Diagnostic, ...]:
    blocked = tuple(
        Diagnostic(
            summary=f"`{b.address}` is blocked: {b.reason}",
            hint=b.hint,
            code="blocked",
            address=str(b.address),
        )
        for b in applied.plan.blocked
        if b.by is None
    )
    return (*map(addressed, applied.failures), *blocked)


def _aside(applied: Applied) -> tuple[Diagnostic, ...]:
    if not applied.aside:
        return ()
    shown = ", ".join(f"`{a}`" for a in applied.aside[:_ASIDE_SHOWN])
    more = len(applied.aside) - _ASIDE_SHOWN
    return (
        Diagnostic(
            summary=f"left aside, not as approved any more: {shown}"
            + (f" and {more} more" if more > 0 else ""),
            severity=Severity.WARNING,
            hint="`tunectl plan` shows it; `tunectl apply` approves it anew",
            code="left-aside",
        ),
    )


def _report(session: Session, applied: Applied, hidden: frozenset[str]) -> None:
    screen = session.screen
    ids = {str(i.address): i.id for i in applied.running}
    blocks = [_summary(applied), ended_text(_ended(applied), screen.out_paint, ids=ids)]
    blocks.append(remains_text(applied.remains, screen.out_paint))
    blocks.append(outputs_text(applied.outputs, screen.out_paint, hidden=hidden))
    for block in blocks:
        if block:
            screen.say(f"\n{block}")
    if applied.running:
        session.advise(
            "\n`tunectl wait` waits for it; `tunectl resume` or the next `tunectl apply` goes on."
        )
    if problems := (*_problems(applied), *_aside(applied)):
        screen.warn("\n" + diagnostics_text(problems, screen.err_paint))


def _report_json(session: Session, applied: Applied, hidden: frozenset[str]) -> None:
    from tunectl.views import json_events  # with the shapes of all events

    screen, counts, destroy = session.screen, _counts(applied), applied.plan.destroy
    problems = (*_problems(applied), *_aside(applied))
    lines = [json_events.diagnostic_line(d, now()) for d in problems]
    lines.append(
        json_events.apply_summary_line(
            _summary(applied),
            counts,
            now(),
            destroy=destroy,
            imported=applied.imported,
            ended=_ended(applied),
        )
    )
    lines.append(json_events.outputs_line(applied.outputs, now(), hidden))
    for line in lines:
        screen.say(json_text(line))
    if problems:
        screen.warn(diagnostics_text(problems, screen.err_paint))
