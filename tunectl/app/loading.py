"""validate: load the declaration, read its data, ask nobody."""

from __future__ import annotations

from tunectl.app.options import Options
from tunectl.app.workspace import declared
from tunectl.core.project import Project


def validate(options: Options) -> Project:
    """Return the project with everything noticed in its `warnings`.

    Raises:
        ConfigError: every problem found.
    """
    return declared(options).project
