"""`plan -o FILE`: a reviewed plan, and what it binds to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tunectl.app.options import Aim
from tunectl.app.planning import Planned
from tunectl.core.errors import ConfigError, StaleError
from tunectl.core.plan import Plan
from tunectl.core.planrecord import plan_from_tree, plan_to_tree

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
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
    """Store a plan. It holds no secret and no text of a dataset's rows.

    Values of sensitive variables are left out: whoever applies the plan gives them again.

    Raises:
        ConfigError: the file cannot be written.
    """
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
        path.write_bytes(orjson.dumps(tree, option=orjson.OPT_INDENT_2))
    except OSError as error:
        raise ConfigError.of(
            f"cannot write plan file `{path}`: {(error.strerror or '').lower()}"
        ) from error


def read(path: Path) -> PlanFile:
    """Read a stored plan.

    Raises:
        ConfigError: the file is missing, or is no plan of this version.
    """
    try:
        tree = orjson.loads(path.read_bytes())
        if tree["tunectl_plan"] != FORMAT:
            raise ConfigError.of(
                f"plan file `{path}` has format {tree['tunectl_plan']}, not {FORMAT}",
                hint="make the plan again with this version",
            )
        return PlanFile(
            plan=plan_from_tree(tree["plan"]),
            digest=tree["digest"],
            aim=_aim(tree["aim"]),
            variables=tree["variables"],
            var_files=tuple(tree["var_files"]),
        )
    except OSError as error:
        raise ConfigError.of(
            f"cannot read plan file `{path}`: {(error.strerror or '').lower()}",
            hint="make one with `tunectl plan -o FILE`",
        ) from error
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError.of(
            f"`{path}` is not a plan file", hint="make one with `tunectl plan -o FILE`"
        ) from error


def _aim(tree: Mapping[str, Any]) -> Aim:
    told: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in tree.items()}
    return Aim(**told)


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
            detail="\n".join(_only_in_one(old, now)),
            hint="make and review a new plan with `tunectl plan -o FILE`",
            code="stale-plan",
        )


def _only_in_one(old: Plan, now: Plan) -> list[str]:
    before = {f"{c.action.value} {c.address}" for c in old.changes}
    after = {f"{c.action.value} {c.address}" for c in now.changes}
    return [
        *(f"only in the saved plan: {line}" for line in sorted(before - after)),
        *(f"only in the plan as of now: {line}" for line in sorted(after - before)),
    ]
