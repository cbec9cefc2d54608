"""`python -m tunectl.server.pull NAME --root DIR`: fetch and import a base model.

For those who may not import this package, such as provider `local`: progress goes to standard
output, what went wrong to standard error as `error: …` and `hint: …`, with exit code 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tunectl.server.bases import BaseModelError, pull


def main(arguments: Sequence[str] | None = None) -> int:
    """Pull; returns 0, and the name of the model as the last line, or 1."""
    parser = argparse.ArgumentParser(prog="python -m tunectl.server.pull")
    parser.add_argument("name", help="a known name, a hub name, a folder or a `.gguf` file")
    parser.add_argument("--root", type=Path, required=True, help="the server's folder")
    options = parser.parse_args(arguments)
    try:
        base = pull(options.name, options.root, lambda text: print(text, flush=True))
    except BaseModelError as error:
        print(f"error: {error}\nhint: {error.hint}", file=sys.stderr)
        return 1
    print(base.name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
