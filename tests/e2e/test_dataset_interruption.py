"""Ctrl-C while a large file is read: at once, quietly, and nothing is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

ROW = (
    '{"messages": [{"role": "user", "content": "Gdzie paczka %d?"}, '
    '{"role": "assistant", "content": "Paczka %d jest w drodze, dotrze jutro."}]}\n'
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("options", [(), ("--all",), ("--syntax-only",)])
def test_ctrl_c_ends_a_check_with_130_and_without_a_word_of_python(tmp_path, options):
    lines = "".join([ROW % (n, n * 7) for n in range(20_000)]).encode()
    with (tmp_path / "rows.jsonl").open("wb") as file:
        for _ in range(60):
            file.write(lines)
    cache, spare = tmp_path / "cache", tmp_path / "tmp"
    cache.mkdir()
    spare.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tunectl", "dataset", "check", "rows.jsonl", *options],
        cwd=tmp_path,
        env={**os.environ, "XDG_CACHE_HOME": str(cache), "TMPDIR": str(spare)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
    )
    held = f"/proc/{process.pid}/fd"
    end = time.monotonic() + 60
    while not _reads(held) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Traceback" not in out + err
    assert "KeyboardInterrupt" not in out + err
    assert sorted(os.listdir(tmp_path)) == ["cache", "rows.jsonl", "tmp"]
    assert os.listdir(spare) == []


def _reads(held: str) -> bool:
    """Whether the process has the file open."""
    if not os.path.isdir("/proc/self/fd"):
        time.sleep(1.0)
        return True
    try:
        return any(os.readlink(f"{held}/{n}").endswith("rows.jsonl") for n in os.listdir(held))
    except OSError:
        return False
