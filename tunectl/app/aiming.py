"""Whom `--for` names: services that rules are known of, and the project's own providers."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tunectl.app.options import Options
from tunectl.catalog.base_models import find
from tunectl.catalog.dataset_rules import providers_with_rules
from tunectl.core.errors import ConfigError
from tunectl.data.targets import Target

_PROJECT = "tunectl.yaml"


def aimed(options: Options, targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets with the project's providers in the place of their names.

    A declared provider comes before the service of that name: its prices and limits are known. For
    the name of a service no project is needed, nor one without errors.

    Raises:
        ConfigError: a name that is neither, or one that only a project with errors may know.
    """
    found = tuple(targets)
    if not found:
        return found
    needed = any(target.provider not in providers_with_rules() for target in found)
    declared = _declared(options, needed=needed)
    return tuple(_aimed(target, declared) for target in found)


def _declared(options: Options, *, needed: bool) -> Mapping[str, Target]:
    if not (options.root / _PROJECT).is_file():
        return {}
    from tunectl.config.load import declared_targets

    try:
        return declared_targets(
            options.root,
            environ=os.environ,
            env=options.env,
            variables=options.named,
            var_files=options.var_files,
        )
    except ConfigError:
        if needed:
            raise
        return {}


def _aimed(target: Target, declared: Mapping[str, Target]) -> Target:
    own = declared.get(target.provider)
    if own is not None:
        return replace(own, model=target.model)
    if target.provider in providers_with_rules():
        return target
    raise ConfigError.of(
        f"`--for {target}`: no provider `{target.provider}` is known",
        hint=_hint(target, declared),
        code="usage",
    )


def _hint(target: Target, declared: Mapping[str, Target]) -> str:
    known = (*declared, *(name for name in providers_with_rules() if name not in declared))
    home = next((n for n in providers_with_rules() if find(n, target.provider) is not None), "")
    if home:
        return f"did you mean `--for {home}:{target}`?"
    near = difflib.get_close_matches(target.provider, known, n=1)
    if near:
        return f"did you mean `--for {replace(target, provider=near[0])}`?"
    return f"known are {', '.join(f'`{name}`' for name in known)}"
