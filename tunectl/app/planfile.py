"""`plan -o FILE`: a reviewed plan, and what it binds to."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from pathlib import Path
from shlex import quote
from typing import Any

import orjson

from tunectl.app.options import Aim
from tunectl.app.planning import Planned
from tunectl.app.reviewed import differences, recalled
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, StaleError, StateError
from tunectl.core.plan import Plan
from tunectl.core.planrecord import plan_from_tree, plan_to_tree
from tunectl.stores.sealed import keys_from

_SEALED_AS = "plan"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
FORMAT = 1
_DONE = "nothing is left to do: it was applied already, or something else did the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A stored plan and how it was asked for, so that it can be made again and compared."""

    plan: Plan
    digest: str
    aim: Aim = field(default_factory=Aim)
    variables: Mapping[str, str] = field(default_factory=dict)
    var_files: tuple[str, ...] = ()


def save(
    planned: Planned,
    path: Path,
    *,
    aim: Aim | None = None,
    variables: Mapping[str, str] | None = None,
    var_files: Sequence[Path] = (),
) -> None:
    """Store a plan, sealed where a key is given. It holds no secret and no text of rows.

    Values of sensitive variables are left out: whoever applies the plan gives them again.

    Raises:
        ConfigError: the file cannot be written, or is there and is no plan file.
    """
    _check_replaceable(path)
    tree = {
        "tunectl_plan": FORMAT,
        "digest": planned.plan.digest,
        "aim": asdict(aim or Aim(destroy=planned.plan.destroy)),
        "variables": {
            name: value
            for name, value in (variables or {}).items()
            if name not in planned.project.sensitive
        },
        "var_files": [str(p) for p in var_files],
        "plan": plan_to_tree(planned.plan),
    }
    try:
        content = orjson.dumps(tree, option=orjson.OPT_INDENT_2)
        path.write_bytes(keys_from(os.environ).seal(_SEALED_AS, content))
    except OSError as error:
        raise ConfigError.of(
            f"cannot write plan file `{path}`: {(error.strerror or '').lower()}"
        ) from error


def _check_replaceable(path: Path) -> None:
    """Refuse to write over what is no plan. What is empty holds nothing that could be lost.

    Raises:
        ConfigError: it holds something else, or is sealed and cannot be told from something else.
    """
    try:
        if not path.is_file() or not path.stat().st_size:
            return
        tree = orjson.loads(_opened(path))
        is_plan = isinstance(tree, dict) and "tunectl_plan" in tree
    except (OSError, StateError, orjson.JSONDecodeError):
        is_plan = False
    if not is_plan:
        raise ConfigError.of(
            f"`{path}` exists and is not a plan file: it is left as it is",
            hint="name another file; a plan file is written over, a sealed one with its key",
            code="not-a-plan-file",
        )


def read(path: Path) -> PlanFile:
    """Read a stored plan.

    Raises:
        ConfigError: the file is missing, or is no plan of this version.
        StaleError: what it says is not what was reviewed.
        StateError: it is sealed, and no key given opens it.
    """
    try:
        tree = orjson.loads(_opened(path))
        if tree["tunectl_plan"] != FORMAT:
            raise ConfigError.of(
                f"plan file `{path}` has format {tree['tunectl_plan']}, not {FORMAT}",
                hint="make the plan again with this version",
            )
        plan = plan_from_tree(tree["plan"])
        if plan.digest != tree["digest"]:
            raise StaleError.of(
                f"plan file `{path}` was altered: its changes are not those of its digest",
                hint="make and review a new plan with `tunectl plan -o FILE`",
                code="plan-altered",
            )
        return _said(tree, plan)
    except OSError as error:
        hint = "make one with `tunectl plan -o FILE`"
        if _is_address(str(path)):
            hint = f"`tunectl state show {quote(str(path))}` shows what is recorded of an object"
        raise ConfigError.of(
            f"cannot read plan file `{path}`: {(error.strerror or '').lower()}", hint=hint
        ) from error
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError.of(
            f"`{path}` is not a plan file", hint="make one with `tunectl plan -o FILE`"
        ) from error


def _said(tree: Mapping[str, Any], plan: Plan) -> PlanFile:
    """Return a plan with how it was asked for."""
    variables = dict(tree["variables"])
    return PlanFile(
        plan=plan,
        digest=tree["digest"],
        aim=_aim(tree["aim"]),
        variables=dict(zip(variables, _texts([*variables.values()]), strict=True)),
        var_files=_texts(tree["var_files"]),
    )


def _is_address(text: str) -> bool:
    from tunectl.kinds import KINDS

    return text.partition(".")[0] in {*KINDS, "upload"}


def _opened(path: Path) -> bytes:
    return keys_from(os.environ).open(
        _SEALED_AS, path.read_bytes(), shown=str(path), hint="make the plan again"
    )


def _aim(tree: Mapping[str, Any]) -> Aim:
    plain = asdict(Aim())
    told: dict[str, Any] = {}
    for name, value in tree.items():
        is_flag = isinstance(plain[name], bool)
        if is_flag and not isinstance(value, bool):
            raise TypeError(f"{name} is no flag")
        told[name] = value if is_flag else _texts(value)
    return Aim(**told)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError("no list of texts")
    return tuple(value)


def check(stored: PlanFile, now: Plan) -> None:
    """Refuse when what the stored plan binds to has moved.

    Raises:
        StaleError: naming what moved, and the changes that are in only one of the two plans.
    """
    old = stored.plan
    moved: list[str] = []
    if (old.project, old.env) != (now.project, now.env):
        moved.append(f"it was made for `{old.project}`, environment `{old.env}`")
    elif old.lineage != now.lineage:
        moved.append("it was made for another state (its lineage differs)")
    elif old.serial != now.serial:
        moved.append(f"the state moved from serial {old.serial} to {now.serial}")
    if stored.digest != now.digest:
        moved.append("the changes differ")
    if moved:
        raise StaleError.of(
            "the saved plan is stale: " + "; ".join(moved),
            detail="\n".join(differences(old.lines, now.lines)),
            hint="make and review a new plan with `tunectl plan -o FILE`" if now.lines else _DONE,
            code="stale-plan",
        )


def check_digest(expected: str, now: Plan, root: Path) -> None:
    """Refuse when the plan is not the one with the expected digest.

    Other merges do not spoil it, nor jobs that finished meanwhile: it is over the changes alone.

    Raises:
        ConfigError: what was given is no digest.
        StaleError: naming both digests, and the changes that are in only one of the two plans
            where the reviewed one was made in this folder; else the changes as they are now.
    """
    if not _DIGEST.fullmatch(expected):
        raise ConfigError.of(
            f"`{expected}` is not the digest of a plan"
            if expected
            else "`--expect-digest` is empty",
            hint="`tunectl plan` prints it: `sha256:` and 64 hexadecimal digits",
        )
    if expected != now.digest:
        known = recalled(root, expected)
        lines = ["it would now do:", *(f"  {line}" for line in sorted(now.lines) or ["nothing"])]
        if known is not None:
            lines = list(differences(known, now.lines))
        raise StaleError.of(
            "the plan is not the one that was reviewed",
            detail="\n".join([f"expected {expected}", f"found    {now.digest}", *lines]),
            hint="review the new plan: `tunectl plan` shows it with its digest"
            if now.lines
            else _DONE,
            code="stale-digest",
        )
