"""fmt: rewrite configuration files in the one style; comments survive."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tunectl.config.fmt import format_text
from tunectl.config.problems import Problems
from tunectl.config.reading import read_text
from tunectl.core.errors import ConfigError


def fmt(paths: Iterable[Path], *, check: bool = False) -> tuple[Path, ...]:
    """Format files and return those that were not in style; with `check` write nothing.

    Raises:
        ConfigError: a file cannot be read, written or parsed.
    """
    problems = Problems()
    texts = {path: read_text(path, str(path), problems) for path in paths}
    problems.stop()
    styled = {path: format_text(text, str(path)) for path, text in texts.items() if text}
    changed = tuple(path for path, text in styled.items() if text != texts[path])
    for path in () if check else changed:
        try:
            path.write_text(styled[path], encoding="utf-8")
        except OSError as error:
            raise ConfigError.of(
                f"cannot write `{path}`: {(error.strerror or '').lower()}",
                hint="`tunectl fmt --check` only reads",
            ) from error
    return changed


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
