"""tunectl: declare, plan and apply customised language models."""

from typing import Any


def __getattr__(name: str) -> Any:  # noqa: ANN401  # PEP 562 fixes this signature
    """Answer `__version__` lazily: reading package metadata costs more than the rest of start-up.

    Raises:
        AttributeError: for any other name.
    """
    if name == "__version__":
        from importlib.metadata import version

        return version("tunectl")
    raise AttributeError(f"module 'tunectl' has no attribute {name!r}")
