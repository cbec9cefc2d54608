"""The flags that say what kind of plan is wanted, and which of them exclude each other."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunectl.core.dataclass import dataclass

if TYPE_CHECKING:
    from tunectl.app.options import Aim

F = TypeVar("F", bound=Callable[..., Any])


def _chosen(flag: str, meaning: str) -> Callable[[Any], Any]:
    return click.option(flag, multiple=True, metavar="ADDR", help=f"{meaning} May be repeated.")


_REPLACE = click.option(
    "--replace",
    multiple=True,
    metavar="ADDR",
    help="Make this anew: an address, or a pattern such as `prompt_template.*`; may be repeated.",
)
_RENEW = click.option(
    "--renew",
    multiple=True,
    metavar="ADDR",
    help="Let its `expires_after` begin anew; may be repeated.",
)
_REFRESH_ONLY = click.option(
    "--refresh-only", is_flag=True, help="Change nothing but the record of what exists."
)
_FORCE = click.option(
    "--force", is_flag=True, help="Go on although unusually much would be deleted or replaced."
)
_IRREPLACEABLE = click.option(
    "--allow-irreplaceable",
    multiple=True,
    metavar="ADDR",
    help="Let this go although nobody can train it again; may be repeated.",
)
_ALL = (
    _chosen("--target", "Only this and what it needs; `tuning_job.*` too."),
    _chosen("--exclude", "All but this and what needs it; `endpoint.*` too."),
    _REPLACE,
    _RENEW,
    _REFRESH_ONLY,
    _FORCE,
    _IRREPLACEABLE,
)
_ENDING = (
    _chosen("--target", "Only this and what needs it; `endpoint.*` too."),
    _chosen("--exclude", "All but this and what it needs; `tuning_job.*` too."),
    _FORCE,
    _IRREPLACEABLE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The flags as typed."""

    target: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    renew: tuple[str, ...] = ()
    refresh_only: bool = False
    force: bool = False
    allow_irreplaceable: tuple[str, ...] = ()

    @property
    def given(self) -> tuple[str, ...]:
        """The names of those that were given, as typed."""
        typed = (name for name in self.__dataclass_fields__ if getattr(self, name))
        return tuple(f"--{name.replace('_', '-')}" for name in typed)

    def aim(self, *, destroy: bool = False, refresh: bool = True) -> Aim:
        """Return what kind of plan is wanted.

        Raises:
            click.UsageError: two flags exclude each other, or an address is empty.
        """
        from tunectl.app.options import Aim

        with_flags = (*self.given, *(["--destroy"] if destroy else []))
        with_flags += () if refresh else ("--no-refresh",)
        for one, other in _EXCLUSIVE:
            if one in with_flags and other in with_flags:
                raise click.UsageError(f"`{one}` and `{other}` exclude each other")
        for name in ("target", "exclude", "replace", "renew", "allow_irreplaceable"):
            for text in getattr(self, name):
                if not text.strip():
                    flag = name.replace("_", "-")
                    raise click.UsageError(
                        f"`--{flag}` is empty\nsuch as `--{flag} tuning_job.support`"
                    )
        return Aim(
            destroy=destroy,
            refresh=refresh,
            replace=self.replace,
            renew=self.renew,
            target=self.target,
            exclude=self.exclude,
            refresh_only=self.refresh_only,
            force=self.force,
            allow_irreplaceable=self.allow_irreplaceable,
        )

    def refuse_with_plan_file(self) -> None:
        """Refuse every flag where a saved plan says already what is to be done.

        Raises:
            click.UsageError: one was given.
        """
        if self.given:
            raise click.UsageError(
                f"`{self.given[0]}` belongs to `plan` when a saved plan is applied"
            )


# What leaves open which of two was meant, or asks for a change and for none.
_EXCLUSIVE = (
    ("--destroy", "--replace"),
    ("--target", "--exclude"),
    ("--refresh-only", "--destroy"),
    ("--refresh-only", "--replace"),
    ("--refresh-only", "--no-refresh"),
)


def aim_options(function: F) -> F:
    """Add the flags of `plan` and `apply`; the command gets them as `flags`."""
    return _with(function, _ALL)


def ending_options(function: F) -> F:
    """Add the flags of `destroy`; the command gets them as `flags`."""
    return _with(function, _ENDING)


def _with(function: F, options: tuple[Callable[[Any], Any], ...]) -> F:
    names = Flags.__dataclass_fields__

    @functools.wraps(function)
    def collected(*args: Any, **given: Any) -> Any:  # noqa: ANN401
        flags = Flags(**{name: given.pop(name) for name in names if name in given})
        return function(*args, flags=flags, **given)

    made: Any = collected
    for option in reversed(options):
        made = option(made)
    return made  # type: ignore[no-any-return]
