"""Reading a dataset starts no threads of linear algebra, and leaves the environment as it was."""

import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.data.conftest import chat_row

READ = """
import os, sys
from pathlib import Path
from tunectl.data.spec import DataSpec
from tunectl.data.syntax import judge
readable, problems = judge(DataSpec(source=sys.argv[1]), Path("/"))
assert readable is not None, problems
assert "numpy" in sys.modules
print(os.environ.get("OPENBLAS_NUM_THREADS"), len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
@pytest.mark.parametrize("set_by_user", [None, "1"])
def test_a_large_dataset_is_read_by_one_thread_and_the_environment_stays(tmp_path, set_by_user):
    path = Path(tmp_path, "rows.jsonl")
    rows = [chat_row(f"Gdzie jest paczka {n}?", f"Paczka {n} jest w drodze.") for n in range(2_000)]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    given = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    if set_by_user:
        given["OPENBLAS_NUM_THREADS"] = set_by_user
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env=given,
    )
    assert done.stdout.split() == [str(set_by_user), "1"]
