"""fmt: rewrite configuration files in the one style; comments survive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tunectl.config.fmt import format_text
from tunectl.core.errors import ConfigError


def fmt(paths: Iterable[Path], *, check: bool = False) -> tuple[Path, ...]:
    """Format files and return those that were not in style; with `check` write nothing.

    Raises:
        ConfigError: a file cannot be read, written or parsed.
    """
    changed: list[Path] = []
    for path in paths:
        try:
            before = path.read_text(encoding="utf-8")
            after = format_text(before, str(path))
            if after != before:
                changed.append(path)
                if not check:
                    path.write_text(after, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError.of(f"cannot format `{path}`: {error}") from error
    return tuple(changed)


def project_files(root: Path) -> tuple[Path, ...]:
    """Return the configuration files of a folder: `tunectl.yaml`, then the others by name.

    Raises:
        ConfigError: there is none.
    """
    main = root / "tunectl.yaml"
    found = sorted({*root.glob("*.tunectl.yaml"), *root.glob("tunectl.*.yaml")})
    files = ([main] if main.is_file() else []) + [p for p in found if p != main]
    if not files:
        raise ConfigError.of(f"no `tunectl.yaml` in `{root}`", hint="make one with `tunectl init`")
    return tuple(files)
