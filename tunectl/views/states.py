"""The recorded state, and the tables of models and of the doctor's findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tunectl.core.ports import Model
from tunectl.core.record import state_to_tree
from tunectl.core.resource import BUILTIN, Instance, Status
from tunectl.core.state import State
from tunectl.core.value import Plain
from tunectl.views.fields import Line, aligned
from tunectl.views.outcome import outputs_text
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import one_line, scrub, table
from tunectl.views.values import dotted, flat, inline

NOTHING = "The state is empty. Nothing is managed yet."
_STYLES = {
    Status.READY: Style.GOOD,
    Status.PENDING: Style.NOTE,
    Status.FAILED: Style.ERROR,
    Status.CANCELLED: Style.WARNING,
}


def state_list(state: State, prefix: str = "") -> str:
    """Return the addresses, one a line, sorted: for people and for pipes."""
    addresses = sorted(str(address) for address in scrub(tuple(state.instances)))
    return "\n".join(text for text in addresses if text.startswith(prefix))


def instance_text(instance: Instance, paint: Paint = PLAIN) -> str:
    """Return one object: what it is, its settings and its outputs."""
    found = scrub(instance)
    lines = [paint(f"# {found.address}", Style.BOLD)]
    status = paint(found.status.value, _STYLES[found.status])
    if found.progress and found.status is Status.PENDING:
        status += f" ({one_line(found.progress)})"
    facts = [("id", one_line(found.id)), ("status", status)]
    if found.reason:
        facts.append(("reason", one_line(found.reason)))
    if found.provider != BUILTIN:
        facts.append(("provider", f"{one_line(found.provider)} (account {found.account})"))
    if found.created_at:
        facts.append(("created", one_line(found.created_at)))
    if found.needs:
        facts.append(("uses", ", ".join(f"{n.address} [{n.id}]" for n in found.needs)))
    lines += [f"{name:<8} {text}" for name, text in facts]
    for title, values in (("settings", found.spec), ("outputs", found.outputs)):
        shown = _fields(dict(values))
        lines += [f"{title}:", *(f"  {line}" for line in shown)] if shown else []
    return "\n".join(lines)


def _fields(values: dict[str, Plain]) -> list[str]:
    lines = [Line("+", dotted(path), inline(value)) for path, value in flat(values)]
    return [line.removeprefix("+ ") for line in aligned(lines, PLAIN)]


def state_text(state: State, paint: Paint = PLAIN) -> str:
    """Return every object, the kept superseded ones, and the outputs."""
    if not state.everything:
        return NOTHING
    order = sorted(state.instances, key=str)
    blocks = [instance_text(state.instances[address], paint) for address in order]
    if state.superseded:
        lines = [paint("Kept from before:", Style.NOTE)]
        lines += [f"  {i.address} [id={one_line(i.id)}]" for i in scrub(state.superseded)]
        blocks.append("\n".join(lines))
    blocks.append(outputs_text(state.outputs, paint))
    return "\n\n".join(block for block in blocks if block)


def state_tree(state: State) -> dict[str, Any]:
    """Return the state as JSON."""
    return {"format_version": "1.0", **state_to_tree(state)}


def models_text(models: Iterable[tuple[str, Model]]) -> str:
    """Return the models, one a line, with the day the provider turns them off."""
    rows = [
        (provider, one_line(model.id), one_line(model.owned_by), model.shutdown_date or "-")
        for provider, model in scrub(tuple(models))
    ]
    if not rows:
        return "No models."
    return "\n".join(table(("PROVIDER", "MODEL", "OWNER", "SHUTDOWN"), rows))


def models_tree(models: Iterable[tuple[str, Model]]) -> list[dict[str, object]]:
    """Return the models as JSON."""
    return [
        {
            "provider": provider,
            "id": model.id,
            "owned_by": model.owned_by,
            "created": model.created,
            "shutdown_date": model.shutdown_date,
        }
        for provider, model in models
    ]


def cancelled_text(instance: Instance) -> str:
    """Return what cancelling came to: done, or on its way."""
    found = scrub(instance)
    done = found.status is Status.CANCELLED
    word = "cancelled" if done else "cancellation requested; it ends soon"
    return f"{found.address}: {word} [id={one_line(found.id)}]"


def finding_text(
    name: str, ok: bool | None, said: str, hint: str = "", paint: Paint = PLAIN
) -> str:
    """Return one finding of the doctor: good, bad, or `None` for what was not looked at."""
    name, said, hint = scrub((name, said, hint))
    word, style = {
        True: ("ok", Style.GOOD),
        False: ("FAIL", Style.ERROR),
        None: ("-", Style.FAINT),
    }[ok]
    text = f"{paint(word.rjust(4), style)}  {one_line(name)}: {one_line(said)}"
    return f"{text}\n      {paint('hint:', Style.NOTE)} {one_line(hint)}" if hint else text
