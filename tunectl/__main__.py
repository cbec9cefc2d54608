"""The entry point; it answers `--version` itself: scripts ask it often and want it cheap."""

from __future__ import annotations

import gc
import sys

import tunectl


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["--version"]:
        print(f"tunectl {tunectl.__version__}")
        return
    # What is imported and loaded stays: by default it would be looked at hundreds of times.
    gc.set_threshold(200_000, 20, 100)
    from tunectl.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
