"""Plan and apply of many resources, side by side with Terraform's builtin `terraform_data`.

    python -m tests.bench.scale --sizes 100,1000,10000 [--runs 3] [--applied 1000] [--shapes]

Whole processes: CPU seconds (user and system) and the largest resident memory from `os.wait4`,
bytes handed to `write` from `/proc/PID/io`; medians, with the least in brackets. The two tools
take turns, and so do "cold", which empties our cache folder before each run, and "warm", which
keeps it; of each of ours five runs make a turn. Every run's output is looked at: a plan that should
change nothing says so, or the benchmark stops.

Our side runs in a virtual environment made for it, in which the packages are found as pip leaves
them: without the finder that an editable installation adds to the start of every process.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import scale_projects as projects

ROOT = Path(__file__).parents[2]
LARGEST_APPLY = 1000  # Terraform's first apply grows with the square: 10,000 would take an hour
NO_CHANGES = b"No changes."
# Ours are a hundredth as long, and the first after one of Terraform's finds nothing in any cache of
# the processor.
A_TURN = 5


@dataclass(frozen=True)
class Taken:
    """What one process took."""

    cpu: float
    memory: int  # bytes
    written: int  # bytes


@dataclass
class Series:
    """The runs of one tool on one task."""

    runs: list[Taken] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        return statistics.median(t.cpu for t in self.runs)

    @property
    def least(self) -> float:
        return min(t.cpu for t in self.runs)

    @property
    def said(self) -> str:
        return f"{self.cpu:.2f} ({self.least:.2f})"

    @property
    def memory(self) -> float:
        return statistics.median(t.memory for t in self.runs)

    @property
    def written(self) -> float:
        return statistics.median(t.written for t in self.runs)


def took(command: list[str], folder: Path, env: dict[str, str], says: bytes) -> Taken:
    """Run a command to its end; it must succeed and say this.

    Raises:
        SystemExit: it failed, or said something else.
    """
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdout=out, stderr=subprocess.STDOUT
        )
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        counters = Path(f"/proc/{process.pid}/io").read_text(encoding="ascii").split()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        printed = out.tell()
        out.seek(0)
        text = out.read()
    if process.returncode != 0 or says not in text:
        sys.stderr.buffer.write(text[-3000:])
        raise SystemExit(f"{command} ended with {process.returncode} and should say {says!r}")
    written = int(counters[counters.index("wchar:") + 1]) - printed
    return Taken(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, written)


def apart(write: Callable[..., None], *told: object) -> None:
    """Write a project in a process of its own.

    Linux counts to the largest memory of a process that of the one which started it, until then.
    """
    process = multiprocessing.get_context("spawn").Process(target=write, args=told)
    process.start()
    process.join()
    if process.exitcode != 0:
        raise SystemExit(f"{write.__name__} ended with {process.exitcode}")


def _write(
    folder: Path, other: Path | None, count: int, changed: frozenset[int] = frozenset()
) -> None:
    projects.ours(folder, projects.every_fourth(count, changed))
    if other is not None:
        projects.terraform(other, count, changed)


class Ours:
    """This tool, with the provider of `scale_provider` installed as a plugin would be."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        plugin = folder / "plugin" / "simulated_plugin-1.0.dist-info"
        plugin.mkdir(parents=True)
        (plugin / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: simulated-plugin\nVersion: 1.0\n", encoding="utf-8"
        )
        (plugin / "entry_points.txt").write_text(
            "[tunectl.providers]\nsimulated = tests.bench.scale_provider:connect\n",
            encoding="utf-8",
        )
        venv.create(folder / "python", symlinks=True, with_pip=False)
        self.python = str(folder / "python" / "bin" / "python")
        packages = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
        self.env = {
            **os.environ,
            # Files of paths (`.pth`), which start the finder, are read in site-packages alone.
            "PYTHONPATH": os.pathsep.join([str(plugin.parent), str(ROOT), *packages]),
            "XDG_CACHE_HOME": str(self.cache),
            "TUNECTL_IN_AUTOMATION": "1",
            "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),  # as pip leaves it when it installs
        }
        self.env.pop("PYTHONDONTWRITEBYTECODE", None)

    def run(self, folder: Path, *words: str, says: bytes, cold: bool = False) -> Taken:
        """Run one command."""
        if cold:
            shutil.rmtree(self.cache, ignore_errors=True)
        command = [self.python, "-m", "tunectl", *words]
        return took(command, folder, self.env, says)

    def apply(self, folder: Path, *, cold: bool = False) -> Taken:
        """Apply from where things stand."""
        return self.run(folder, "apply", "--auto-approve", says=b"Apply complete!", cold=cold)


class Terraform:
    """Terraform, which reaches nothing outside this machine here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        config = folder / "terraform.rc"
        config.write_text("disable_checkpoint = true\n", encoding="utf-8")
        self.env = {**os.environ, "TF_IN_AUTOMATION": "1", "TF_CLI_CONFIG_FILE": str(config)}

    def run(self, folder: Path, *words: str, says: bytes) -> Taken:
        """Run one command."""
        return took(["terraform", *words, "-no-color"], folder, self.env, says)

    def init(self, folder: Path) -> None:
        """Prepare a folder; the provider is built in, so nothing is downloaded."""
        self.run(folder, "init", "-input=false", says=b"successfully initialized")


@dataclass
class Bench:
    """Both tools on one machine. Terraform is None where it is not installed."""

    ours: Ours
    theirs: Terraform | None
    runs: int

    def row(self, task: str, count: int, mine: Series, other: Series) -> None:
        """Print one row of the table."""
        figures = f"| {task} | {count:,} | {mine.said} | {mine.memory / 1e6:.0f} "
        figures += f"| {mine.written / 1e6:.2f} "
        if other.runs:
            figures += f"| {other.said} | {other.memory / 1e6:.0f} | {other.written / 1e6:.2f} "
            figures += f"| {other.cpu / mine.cpu:.1f} ({other.least / mine.least:.1f}) "
            figures += f"| {other.memory / mine.memory:.1f} |"
        else:
            figures += "| | | | | |"
        print(figures, flush=True)

    def size(self, count: int, largest_apply: int) -> None:
        """Measure every task at one size."""
        changed = frozenset(range(0, count, 100))
        folder, other = self.ours.folder / f"ours-{count}", self.ours.folder / f"theirs-{count}"
        theirs = self.theirs
        apart(_write, folder, other if theirs is not None else None, count)
        if theirs is not None:
            theirs.init(other)

        def first_apply(*, cold: bool) -> Taken:
            shutil.rmtree(folder / "state", ignore_errors=True)
            return self.ours.apply(folder, cold=cold)

        def their_first_apply() -> Taken:
            assert theirs is not None
            (other / "terraform.tfstate").unlink(missing_ok=True)
            return theirs.run(other, "apply", "-auto-approve", says=b"Apply complete!")

        compared = theirs is not None and count <= largest_apply
        mine = self.rows("first apply", count, first_apply, their_first_apply if compared else None)
        state = (folder / "state" / "default.json").stat().st_size
        notes = f"bytes written / state = {mine.written / state:.2f}"
        if theirs is not None and not compared:
            apart(projects.terraform_state, other, count)
        self._plans(folder, other, count, NO_CHANGES, "no-change plan")
        apart(_write, folder, other if theirs is not None else None, count, changed)
        self._plans(folder, other, count, b"Plan: ", "1% changed plan")
        print(f"<!-- {count:,}: state {state / 1e6:.2f} MB, first apply: {notes} -->", flush=True)

    def _plans(self, folder: Path, other: Path, count: int, says: bytes, task: str) -> None:
        theirs = self.theirs

        def plan(*, cold: bool) -> Taken:
            return self.ours.run(folder, "plan", says=says, cold=cold)

        def their_plan() -> Taken:
            assert theirs is not None
            return theirs.run(other, "plan", "-input=false", says=says)

        self.rows(task, count, plan, their_plan if theirs is not None else None)

    def rows(
        self, task: str, count: int, ours: Callable[..., Taken], theirs: Callable[[], Taken] | None
    ) -> Series:
        """Take turns, print a row with warm caches and one with cold ones; return our warm runs.

        Terraform has no cache: its runs count for both rows.
        """
        warm, cold, other = Series(), Series(), Series()
        ours(cold=True)
        for _ in range(self.runs):
            for _ in range(A_TURN if theirs is not None else 1):
                warm.runs.append(ours(cold=False))
                cold.runs.append(ours(cold=True))
            if theirs is not None:
                other.runs.append(theirs())
        self.row(f"{task}, warm", count, warm, other)
        self.row(f"{task}, cold", count, cold, other)
        return warm

    def shapes(self, small: int, large: int) -> None:
        """Measure how a plan from nothing, an apply and a no-change plan grow, shape by shape."""
        print(f"\n| shape | task | {small:,}, CPU s | {large:,}, CPU s | ratio | net |")
        print("|---|---|---|---|---|---|")
        empty = self.ours.folder / "empty"
        projects.ours(empty, {})
        for name, make in projects.SHAPES.items():
            found: dict[str, list[float]] = {}
            for count in (0, small, large):
                folder = self.ours.folder / f"shape-{name.replace(' ', '-')}-{count}"
                projects.ours(folder, make(count) if count else {})
                for task, seconds in self._shape(folder).items():
                    found.setdefault(task, []).append(seconds)
            for task, (start, few, many) in found.items():
                net = (many - start) / (few - start) if few > start else float("nan")
                print(
                    f"| {name} | {task} | {few:.2f} | {many:.2f} | {many / few:.1f} | {net:.1f} |"
                )

    def _shape(self, folder: Path) -> dict[str, float]:
        def median(make: Callable[[], Taken]) -> float:
            return statistics.median(make().cpu for _ in range(self.runs))

        def first_apply() -> Taken:
            shutil.rmtree(folder / "state", ignore_errors=True)
            return self.ours.apply(folder)

        return {
            "plan from nothing": median(lambda: self.ours.run(folder, "plan", says=b"Plan: ")),
            "first apply": median(first_apply),
            "no-change plan": median(lambda: self.ours.run(folder, "plan", says=NO_CHANGES)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100,1000,10000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--applied", type=int, default=LARGEST_APPLY)
    parser.add_argument("--alone", action="store_true", help="leave Terraform out")
    parser.add_argument("--shapes", action="store_true", help="only how the shapes scale")
    given = parser.parse_args()
    there = shutil.which("terraform") is not None and not given.alone
    if not there and not given.alone:
        print("`terraform` is not on PATH: only our side is measured\n")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        theirs = Terraform(folder) if there else None
        bench = Bench(Ours(folder), theirs, given.runs)
        sizes = [int(size) for size in given.sizes.split(",")]
        if given.shapes:
            bench.shapes(sizes[-2], sizes[-1])
            return
        print("| task | resources | CPU s | MB | written MB ", end="")
        print("| Terraform CPU s | MB | written MB | CPU ratio | memory ratio |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for size in sizes:
            bench.size(size, given.applied)


if __name__ == "__main__":
    main()
