"""`lifecycle.ignore_changes`: each entry must name a field of the kind, or a part of one."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from tunectl.config.drafts import Draft
from tunectl.config.problems import Problems, did_you_mean, listed

if TYPE_CHECKING:
    from tunectl.kinds.declared import Declared


def check_ignored(draft: Draft, problems: Problems) -> None:
    """Refuse what names nothing, with the nearest that it could mean."""
    model = draft.model
    for index, path in enumerate(model.lifecycle.ignore_changes if model is not None else ()):
        assert model is not None
        if unknown := _unknown(model, path):
            known, where = unknown
            problems.error(
                f"`ignore_changes` names `{path}`, which `{draft.address.kind}` has not",
                draft.at("lifecycle", "ignore_changes", index),
                code="unknown-field",
                hint=did_you_mean(path, known, f"known are {listed(known)}")
                if known
                else f"`{where}` has no parts that are told apart",
                address=str(draft.address),
            )


def _unknown(model: Declared, path: str) -> tuple[Collection[str], str] | None:
    """Return what is known where a path goes astray, and up to where it is right."""
    name, *rest = path.split(".")
    if name not in model.compared:
        return model.compared, ""
    at, where = getattr(model, name, None), name
    for part in rest:
        if isinstance(at, dict):
            return None  # its keys are the user's own
        known = getattr(type(at), "model_fields", None)
        if known is None:
            return (), where
        if part not in known:
            return [f"{where}.{one}" for one in known], where
        at, where = getattr(at, part), f"{where}.{part}"
    return None
