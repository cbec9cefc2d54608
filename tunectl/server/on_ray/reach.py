"""`python -m tunectl.server.on_ray.reach WORD…`: ask whether a cluster answers.

For those who may not import this package, such as provider `local`: what answers goes to standard
output, what went wrong to standard error as `error: …` and `hint: …`, with exit code 1.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tunectl.server.executor import ExecutorError
from tunectl.server.on_ray.cluster import Cluster, check_installed
from tunectl.server.on_ray.settings import parse


def main(arguments: Sequence[str]) -> int:
    """Ask; returns 0 when the cluster answers."""
    try:
        settings = parse(arguments)
        check_installed()
        version = Cluster(settings.address).version()
    except ExecutorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Ray {version} at {settings.address}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
