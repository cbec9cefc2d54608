"""Drift: what is not as recorded, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tunectl.core.diff import Absent
from tunectl.core.divergence import Diverged, Divergence, Examined
from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.resource import BUILTIN, Recreate, Status
from tunectl.core.valuetree import value_to_tree
from tunectl.views.diagnostics import diagnostic_tree, exit_tree
from tunectl.views.fields import aligned, delta_lines
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import counted, indent, one_line, scrub
from tunectl.views.values import dotted

FORMAT_VERSION: Final = "1.0"
_REASONS: Final[Mapping[Exit, dict[str, object]]] = {
    Exit.DONE: {"code": int(Exit.DONE), "reason": "done"},
    Exit.CHANGES: {"code": int(Exit.CHANGES), "reason": "drift"},
}
_UNLOOKED = "Nothing was looked at."
_SIGNS = {
    Divergence.CHANGED: ("~", Style.CHANGE),
    Divergence.DELETED: ("-", Style.REMOVE),
    Divergence.MISSING: ("-", Style.REMOVE),
    Divergence.STATUS: ("!", Style.ERROR),
}


def drift_text(examined: Examined, paint: Paint = PLAIN) -> str:
    """Return what was found, ending in one line that sums it up."""
    found = scrub(examined)
    blocks = [_block(one, paint) for one in found.drift]
    blocks += [_vanished(name, paint) for name in found.vanished]
    blocks += _quiet(found)
    if found.unseen and not found.drift:
        end = drift_summary(found)
    elif found.drift:
        end = paint("Drift:", Style.WARNING) + drift_summary(found).removeprefix("Drift:")
    elif not found.stored:
        end = drift_summary(found)
    else:
        head, _, rest = drift_summary(found).partition(". ")
        end = paint(f"{head}.", Style.GOOD) + f" {rest}"
    return "\n\n".join([*blocks, end])


def drift_summary(examined: Examined) -> str:
    """Return `Drift: 1 changed, 2 deleted, 0 with another status.`, or `No drift. …`.

    Without a record neither can be said.
    """
    if not examined.stored:
        return f"Nothing is recorded for environment `{one_line(examined.env)}`. {_UNLOOKED}"
    looked = f"{counted(examined.checked, 'object')} looked at"
    if examined.unseen:
        looked += f", {examined.unseen} not"
    if examined.ignored:
        looked += f", {examined.ignored} ignored"
    if examined.unseen and not examined.drift:
        return f"No drift in what could be looked at. {looked[:1].upper()}{looked[1:]}."
    if not examined.drift:
        return f"No drift. {looked[:1].upper()}{looked[1:]}."
    changed, deleted, missing, moved = (len(examined.of(kind)) for kind in _SIGNS)
    here = f", {missing} missing here" if missing else ""
    return (
        f"Drift: {changed} changed, {deleted} deleted{here}, {moved} with another status. "
        f"{looked[:1].upper()}{looked[1:]}."
    )


def _block(one: Diverged, paint: Paint) -> str:
    sign = paint(*_SIGNS[one.kind])
    lines = [
        paint(f"# {heading(one)}", Style.BOLD),
        f"{sign} {one.address} [id={one_line(one.recorded.id)}]",
        *(f"    {line}" for line in aligned(list(delta_lines(one.deltas)), paint)),
        f"    {paint('hint:', Style.NOTE)} {advice(one)}",
    ]
    return indent("\n".join(lines), "  ")


def heading(one: Diverged) -> str:
    """Return `endpoint.support was changed remotely`."""
    name = f"{one.address} (superseded)" if one.superseded else str(one.address)
    match one.kind:
        case Divergence.CHANGED:
            where = "here" if one.recorded.provider == BUILTIN else "remotely"
            return f"{name} was changed {where}"
        case Divergence.MISSING:
            return f"{name} is missing here, or its file was edited"
        case Divergence.DELETED:
            return f"{name} was deleted remotely"
        case Divergence.RELEASED:
            return f"{name} was released: it is made again only when a job needs it"
        case Divergence.STATUS | Divergence.FINISHED:
            after = one.now.status.value if one.now else "gone"
            reason = f": {one_line(one.now.reason)}" if one.now and one.now.reason else ""
            return f"{name} is {after}, recorded {one.recorded.status.value}{reason}"


def advice(one: Diverged) -> str:
    """Return what to do about drift: put it back, or accept it."""
    name = str(one.address)
    if one.superseded:
        return "it was replaced already; a rollback to it may no longer be possible"
    if one.kind is Divergence.MISSING:
        return (
            "`tunectl apply` writes it again; on a machine that never holds it, "
            f"`--ignore '{one.address.kind}.*'`"
        )
    accept = f"`tunectl state rm {quoted(name)}` accepts that it is gone"
    if one.kind is Divergence.DELETED and one.recorded.recreate is Recreate.ON_REQUEST:
        again = f"`tunectl apply --replace {quoted(name)}` makes it again, at its cost"
        return f"{again}; {accept}"
    if one.kind is Divergence.DELETED:
        return f"`tunectl apply` makes it again; {accept} (and takes it out of the state)"
    if one.kind is Divergence.CHANGED:
        return "`tunectl apply` puts it back; to accept it, declare it so"
    if one.now is not None and one.now.status in {Status.FAILED, Status.CANCELLED}:
        return f"edit it, or try again with `tunectl apply --replace {quoted(name)}`"
    return "`tunectl plan` shows what follows from it"


def quoted(address: str) -> str:
    """Return an address as it is typed into a shell."""
    return f"'{address}'" if "[" in address else address


def _vanished(name: str, paint: Paint) -> str:
    return (
        f"{paint('Warning:', Style.WARNING)} nothing that is recorded at provider "
        f"`{one_line(name)}` exists; a key of another account is a likelier reason than that "
        "everything was deleted"
    )


def _quiet(examined: Examined) -> Iterable[str]:
    """What is no drift, and still worth a line."""
    if finished := examined.of(Divergence.FINISHED):
        lines = [f"  {heading(one)} [id={one_line(one.recorded.id)}]" for one in finished]
        yield "\n".join(["Finished since, which the next apply records (no drift):", *lines])
    if released := examined.of(Divergence.RELEASED):
        word = counted(len(released), "uploaded file")
        gone = "is" if len(released) == 1 else "are"
        yield f"{word} {gone} gone that no running job needs (released, no drift)."
    if examined.open:
        left = counted(len(examined.open), "step")
        yield f"An interrupted apply left {left} open; `tunectl apply` settles that first."


def drift_tree(
    examined: Examined, version: str = "", warnings: Iterable[Diagnostic] = ()
) -> dict[str, Any]:
    """Return the document of `drift --format json`."""
    code = examined.exit
    return {
        "format_version": FORMAT_VERSION,
        "tunectl_version": version,
        "project": examined.project,
        "environment": examined.env,
        "lineage": examined.lineage,
        "serial": examined.serial,
        "drifted": bool(examined.drift),
        "complete": not examined.unseen and not examined.problems,
        "exit": _REASONS.get(code) or exit_tree(code),
        "summary": {
            "message": drift_summary(examined),
            "checked": examined.checked,
            "unseen": examined.unseen,
            "ignored": examined.ignored,
            **{kind.value: len(examined.of(kind)) for kind in Divergence},
        },
        "resource_drift": [_tree(one) for one in examined.found],
        "recover": [
            {"op": i.op, "action": i.action, "address": str(i.address), "time": i.time}
            for i in examined.open
        ],
        "vanished_providers": list(examined.vanished),
        "diagnostics": [diagnostic_tree(d) for d in (*examined.problems, *warnings)],
    }


def _tree(one: Diverged) -> dict[str, Any]:
    before = {dotted(d.path): d.before for d in one.deltas if not isinstance(d.before, Absent)}
    after = {dotted(d.path): d.after for d in one.deltas if not isinstance(d.after, Absent)}
    tree: dict[str, Any] = {
        "address": str(one.address),
        "type": one.address.kind,
        "provider_name": one.recorded.provider,
        "id": one.recorded.id,
        "reason": one.kind.value,
        "drift": one.kind.is_drift,
        "superseded": one.superseded,
        "status": {
            "recorded": one.recorded.status.value,
            "now": one.now.status.value if one.now else None,
        },
        "changed": {
            "before": value_to_tree(before),
            "after": value_to_tree(after),
        },
    }
    if one.now is not None and one.now.reason:
        tree["provider_reason"] = one.now.reason
    if one.kind.is_drift:
        tree["advice"] = advice(one)
    return tree


_WORDS = {
    Divergence.CHANGED: "changed remotely",
    Divergence.DELETED: "deleted",
    Divergence.MISSING: "missing here",
    Divergence.STATUS: "other status",
}


def drift_markdown(examined: Examined) -> str:
    """Return a report for an issue or a chat: a heading with the verdict, and a table.

    No word of a provider is in it, so that nothing of others can be markup.
    """
    found = scrub(examined)
    where = f"{_code(found.project)} ({_code(found.env)})"
    blocks = [f"## tunectl drift: {where}: {drift_summary(found)}"]
    if found.drift:
        rows = [
            f"| {_code(str(d.address))} | {_what(d)} | {_cell(advice(d))} |" for d in found.drift
        ]
        blocks.append("\n".join(["| Address | What | What to do |", "|---|---|---|", *rows]))
    return "\n\n".join(blocks)


def _what(one: Diverged) -> str:
    return _WORDS[one.kind] + (" (superseded)" if one.superseded else "")


def _code(text: str) -> str:
    return "`" + one_line(text).replace("`", "'").replace("|", "\\|") + "`"


def _cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")
