"""What `gc` found: orphans and what becomes of them, what nobody claims, and what is not ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from tunectl.core.errors import Exit, Severity
from tunectl.core.ports import Found
from tunectl.core.sweep import Fate, Judged, Orphan, Outcome, Swept
from tunectl.views.diagnostics import diagnostic_tree, exit_tree
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import counted, one_line, scrub

FORMAT_VERSION: Final = "1.0"
_NOUNS = {
    "upload": "file",
    "tuning_job": "job",
    "knowledge_base": "knowledge base",
    "publication": "prompt",
}
_PLURALS = {"alias": "aliases"}
_OUR_ACCOUNTS = "local-"  # how the folder of a server of ours names itself
_STAYS = {Fate.YOUNG, Fate.USED, Fate.KEPT}
_LISTED = 50  # of what is only told of


def swept_text(swept: Swept, paint: Paint = PLAIN) -> str:
    """Return what was found, ending in one line that sums it up."""
    found = scrub(swept)
    going = [f"  {paint('-', Style.REMOVE)} {orphan_line(o)}" for o in found.doomed]
    left = [
        f"    {orphan_line(o)}"
        for o in found.orphans
        if o.fate in {Fate.YOUNG, Fate.USED, Fate.KEPT}
    ]
    strays = [f"    {stray_line(j)}" for j in found.unclaimed]
    blocks = [
        *_block(paint("Orphans:", Style.BOLD) + " made from this store, and in no state", going),
        *_block("Orphans that are left for now:", left),
        *_records(found),
        *_block("Unclaimed: reported only, never deleted", _first(strays)),
        *_others(found),
        summary(found),
    ]
    return "\n\n".join(blocks)


def _block(head: str, lines: Sequence[str]) -> Iterable[str]:
    if lines:
        yield "\n".join([head, "", *lines])


def _first(lines: Sequence[str]) -> Sequence[str]:
    if len(lines) <= _LISTED:
        return lines
    return [*lines[:_LISTED], f"    and {len(lines) - _LISTED} more; `--format json` lists all"]


def _records(swept: Swept) -> Iterable[str]:
    number = sum(o.fate is Fate.RECORD for o in swept.orphans)
    if number == 1:
        yield "1 record of an ended job stays: no provider deletes it, and it bills nothing."
    elif number:
        yield (
            f"{number} records of ended jobs stay: no provider deletes them, and they bill nothing."
        )


def _others(swept: Swept) -> Iterable[str]:
    aliases = bool(swept.accounts) and all(map(_is_ours, swept.accounts))
    named = [
        counted(number, f"other {noun}", f"other {_PLURALS.get(noun, noun + 's')}")
        for kind, number in sorted(swept.others.items())
        if (noun := _noun(kind, alias=aliases))
    ]
    if named:
        yield f"{', '.join(named)}: not tunectl's."


def _noun(kind: str, *, alias: bool) -> str:
    """Return what people call it; an endpoint of a server of ours is an alias there."""
    return "alias" if alias and kind == "endpoint" else _NOUNS.get(kind, kind)


def _is_ours(account: str) -> bool:
    return account.startswith(_OUR_ACCOUNTS)


def orphan_line(orphan: Orphan) -> str:
    """Return `job ftjob-1 at local (tuning_job.support, default)` and what becomes of it."""
    text = _named(orphan.found)
    if orphan.outcome is Outcome.DELETED:
        return f"{text}: deleted" + (f"; {one_line(orphan.why)}" if orphan.why else "")
    if orphan.outcome is Outcome.FAILED:
        return f"{text}: not deleted: {one_line(orphan.why)}"
    match orphan.fate:
        case Fate.DELETE | Fate.CANCEL if orphan.outcome is Outcome.KEPT:
            return f"{text}: kept: {one_line(orphan.why)}"
        case Fate.CANCEL:
            return f"{text}: still running; is cancelled, then deleted"
        case Fate.USED:
            return f"{text}: in use by {one_line(orphan.why)}{_age(orphan)}"
        case Fate.KEPT:
            return f"{text}: kept: {one_line(orphan.why)}{_age(orphan)}"
        case Fate.YOUNG:
            return f"{text}: {_age(orphan, young=True).removeprefix('; ')}"
        case Fate.RECORD:
            return f"{text}: a record that stays and bills nothing"
        case Fate.DELETE:
            return text


def _age(orphan: Orphan, *, young: bool = False) -> str:
    """Whether it is too young too: so that the whole condition is said at once."""
    made = orphan.found.created_at
    said = ["too young"] if young or orphan.young else []
    if made:
        said.append(f"made {one_line(made)}")
    elif said:
        said.append("or of an unknown age")
    return f"; {', '.join(said)}" if said else ""


def _named(found: Found) -> str:
    there = found.instance
    noun = _noun(there.address.kind, alias=_is_ours(there.account))
    text = f"{noun} {one_line(there.id)} at {one_line(there.provider)}"
    if found.mark is not None:
        return f"{text} ({found.mark.address}, {one_line(found.mark.env)})"
    if there.address.name != there.id:
        return f"{text} ({one_line(there.address.name)})"
    return text


def stray_line(stray: Judged) -> str:
    """Return whose an unclaimed object says it is."""
    text, mark = _named(stray.found), stray.found.mark
    if mark is not None:
        whose = f"project {one_line(mark.project)}, lineage {one_line(mark.lineage)}"
        return f"{text}: of {whose}, of which no state is stored here"
    if stray.lineage:
        return f"{text}: used by a job of lineage {one_line(stray.lineage)}"
    return f"{text}: carries an operation, and nothing tells whose"


def summary(swept: Swept) -> str:
    """Return the closing line."""
    done = [o for o in swept.orphans if o.outcome is not None]
    if swept.deleting and done:
        words = [
            f"{sum(o.outcome is outcome for o in done)} {outcome.value}" for outcome in Outcome
        ]
        return f"Orphans: {', '.join(words)}."
    number = len(swept.doomed)
    if not number:
        known = "" if _complete(swept) else " as far as can be told"
        managed = counted(swept.managed, "object")
        return f"Nothing to delete{known}. {managed} managed by {_envs(swept)}."
    return (
        f"{counted(number, 'orphan')} to delete, {counted(swept.managed, 'object')} managed by "
        f"{_envs(swept)}."
    )


def _complete(swept: Swept) -> bool:
    """Whether every state and account was read."""
    return not any(d.severity is Severity.ERROR for d in swept.problems)


def _envs(swept: Swept) -> str:
    if not swept.envs and not _complete(swept):
        return "no environment whose state can be read"
    if not swept.envs:
        return "no environment: this store holds no state"
    noun = "environment" if len(swept.envs) == 1 else "environments"
    return f"{noun} {', '.join(one_line(env) for env in swept.envs)}"


def span(time: timedelta) -> str:
    """Return a grace period as it is typed: `1h`, `2d`, `90s`."""
    seconds = int(time.total_seconds())
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{letter}"
    return f"{seconds}s"


def swept_tree(swept: Swept, version: str = "") -> dict[str, Any]:
    """Return the document of `gc --format json`."""
    code = swept.exit
    return {
        "format_version": FORMAT_VERSION,
        "tunectl_version": version,
        "project": swept.project,
        "environments": list(swept.envs),
        "accounts": list(swept.accounts),
        "dry_run": not swept.deleting,
        "older_than": span(swept.grace),
        "complete": _complete(swept),
        "exit": exit_tree(code) if code is not Exit.DONE else {"code": 0, "reason": "done"},
        "summary": {
            "message": summary(swept),
            "managed": swept.managed,
            "orphans": len(swept.orphans),
            "to_delete": len(swept.doomed),
            "unclaimed": len(swept.unclaimed),
            **{
                outcome.value: sum(o.outcome is outcome for o in swept.orphans)
                for outcome in Outcome
            },
        },
        "orphans": [_orphan_tree(orphan) for orphan in swept.orphans],
        "unclaimed": [{**_tree(j.found), "lineage": j.lineage or None} for j in swept.unclaimed],
        "others": [{"type": kind, "count": n} for kind, n in sorted(swept.others.items())],
        "diagnostics": [diagnostic_tree(d) for d in swept.problems],
    }


def _orphan_tree(orphan: Orphan) -> dict[str, Any]:
    tree = {**_tree(orphan.found), "lineage": orphan.lineage, "action": orphan.fate.value}
    if orphan.outcome is not None:
        tree["outcome"] = orphan.outcome.value
    if orphan.why:
        tree["why"] = orphan.why
    return tree


def _tree(found: Found) -> dict[str, Any]:
    there, mark = found.instance, found.mark
    tree: dict[str, Any] = {
        "type": there.address.kind,
        "id": there.id,
        "provider_name": there.provider,
        "account": there.account,
        "status": there.status.value,
        "created_at": found.created_at or None,
    }
    if there.reason:
        tree["reason"] = there.reason
    model = there.outputs.get("model_id")
    if isinstance(model, str):
        tree["model_id"] = model
    if mark is not None:
        tree["mark"] = {
            "lineage": mark.lineage,
            "project": mark.project,
            "environment": mark.env,
            "address": str(mark.address),
            "op": mark.op,
        }
    elif there.op:
        tree["name"], tree["op"] = there.address.name, there.op
    return tree
