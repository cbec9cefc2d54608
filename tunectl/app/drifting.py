"""drift: is what was made still there, and still as it was made? Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from tunectl.app.options import Options
from tunectl.app.reaching import Reach
from tunectl.app.storing import address_of
from tunectl.app.workspace import open_record
from tunectl.core.divergence import Examined, Seen, diverged, vanished
from tunectl.core.errors import (
    ConfigError,
    Diagnostic,
    Exit,
    ProviderError,
    Refused,
    Severity,
    TunectlError,
)
from tunectl.core.project import Project
from tunectl.core.selection import matching
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.engine.refresh import observe_everything


def examine(
    options: Options, ignored: Sequence[str] = ()
) -> tuple[Examined, tuple[Diagnostic, ...]]:
    """Compare what is recorded with what is there; take no lock and write nothing.

    The declaration counts only as far as it says where the state is and how to reach the
    providers: what was edited and not applied is no drift, and resources or data that cannot be
    used stop nothing.

    Args:
        options: which project.
        ignored: addresses, or patterns with `*` and `?`, of which no drift is told.

    Returns:
        what was found, and warnings.

    Raises:
        TunectlError: nothing can be told: the project or its state cannot be read; exit 1.
    """
    try:
        return _examined(options, ignored)
    except TunectlError as error:
        raise _plain_exit(error) from error


def _examined(options: Options, ignored: Sequence[str]) -> tuple[Examined, tuple[Diagnostic, ...]]:
    project, ledger = open_record(options)
    state = ledger.load()
    seen, problems = _looked(state, Reach(project, state))
    found = diverged(seen, frozenset(i.key for i in state.superseded))
    quiet, warnings = _quiet(state, ignored)
    shown = tuple(d for d in found if d.address not in quiet)
    if ledger.document is None:
        warnings = (*warnings, _nothing_stored(project))
    made = Examined(
        project=project.name,
        env=options.env,
        lineage=state.lineage,
        serial=state.serial,
        stored=ledger.document is not None,
        checked=len(seen),
        found=shown,
        ignored=len(found) - len(shown),
        open=state.intents,
        vanished=vanished(seen),
        unseen=sum(1 for _ in state.everything) - len(seen),
        problems=problems,
    )
    return made, warnings


def _nothing_stored(project: Project) -> Diagnostic:
    return Diagnostic(
        summary=f"no state of environment `{project.env}` is stored in "
        f"`{address_of(project).shown}`: there is nothing to compare with, and nothing was "
        "looked at",
        severity=Severity.WARNING,
        hint="check `state:` and `--env`; `tunectl plan` shows what an apply would make, and "
        "`tunectl gc` what carries this project's mark already",
        code="nothing-recorded",
    )


def _looked(state: State, reach: Reach) -> tuple[tuple[Seen, ...], tuple[Diagnostic, ...]]:
    """Look at everything, provider by provider: one that cannot be reached hides no other."""
    names = sorted({i.provider for i in state.everything})

    def look(name: str) -> tuple[tuple[Seen, ...], tuple[Diagnostic, ...]]:
        live = {a: i for a, i in state.instances.items() if i.provider == name}
        kept = tuple(i for i in state.superseded if i.provider == name)
        try:
            part = replace(state, instances=live, superseded=kept)
            return observe_everything(part, reach), ()
        except (ConfigError, ProviderError, Refused) as error:
            return (), _plain_exit(error).diagnostics

    with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
        found = tuple(pool.map(look, names))
    aside = {i.key for i in state.superseded}
    seen = [pair for pairs, _ in found for pair in pairs]
    seen.sort(key=lambda p: (p[0].address, p[0].key in aside, p[0].id))
    return tuple(seen), tuple(d for _, problems in found for d in problems)


def _quiet(
    state: State, patterns: Sequence[str]
) -> tuple[frozenset[Address], tuple[Diagnostic, ...]]:
    """Return the addresses that patterns mean, and a warning of each that means nothing."""
    known = {i.address for i in state.everything}
    chosen: set[Address] = set()
    warnings: list[Diagnostic] = []
    for pattern in patterns:
        meant = matching(pattern, known)
        chosen |= meant
        if not meant:
            warnings.append(
                Diagnostic(
                    summary=f"`--ignore {pattern}`: nothing recorded has such an address",
                    severity=Severity.WARNING,
                    hint="`tunectl state list` shows the addresses",
                    code="nothing-ignored",
                )
            )
    return frozenset(chosen), tuple(warnings)


def _plain_exit(error: TunectlError) -> TunectlError:
    """Return the error with one of the codes that `drift` promises: 1, or 6 for credentials."""
    code = Exit.CREDENTIALS if error.exit is Exit.CREDENTIALS else Exit.ERROR
    said = tuple(
        d if d.exit is Exit.CREDENTIALS else replace(d, exit=Exit.ERROR) for d in error.diagnostics
    )
    return type(error)(said, code)
