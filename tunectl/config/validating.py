"""From the tree of a declaration to a model; what does not fit is told."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, TypeVar

from tunectl.config.node import Node, Path
from tunectl.config.problems import Problems
from tunectl.kinds.by_name import Named

if TYPE_CHECKING:
    from pydantic import BaseModel

    M = TypeVar("M", bound=BaseModel)


def validated(
    model: Named[M],
    node: Node,
    value: object,
    problems: Problems,
    subject: object,
    broken: Collection[Path] = (),
) -> M | None:
    """Validate a value; None when it does not fit, with every reason told.

    Args:
        model: what it must fit.
        node: where it stands.
        value: the evaluated value; null fields count as not set.
        problems: takes the reasons.
        subject: what it is; its text is for messages (`tuning_job.support`).
        broken: paths whose evaluation failed already; nothing more is said of them.
    """
    said = _set_only(value)
    made = model.plainly(said)
    if made is not None:
        return made
    from tunectl.config.words import checked  # with pydantic, which a sound project hardly needs

    return checked(model.model, node, said, problems, str(subject), broken)


def _set_only(value: object) -> object:
    if isinstance(value, dict) and _has_nulls(value):
        return {key: _set_only(item) for key, item in value.items() if item is not None}
    return value


def _has_nulls(value: dict[str, object]) -> bool:
    inside = value.values()
    if None in inside:
        return True
    return any(map(_has_nulls, [item for item in inside if item.__class__ is dict]))
