"""Fuzz for a while: `python -m tests.fuzz --seconds 60 --seed 1`.

A worker process runs the cases under a limit of memory; this one watches it.  A case fails by an exception, by taking
longer than `CASE_SECONDS`, by memory beyond `MEMORY_BYTES`, or by ending the worker.  Case n of a seed is always the
same; `--case N` runs one again.
"""

import argparse
import contextlib
import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz import mutate

CASE_SECONDS = 10.0
START_SECONDS = 60.0  # until the first case: imports, and reading the captures that are mutated
MEMORY_BYTES = 1536 << 20  # address space of the worker
MOST_FAILURES = 50
RESIDENT_BYTES = 400 << 20  # what of it a worker may ever use, interpreter and libraries included


@dataclass
class Outcome:
    """What a run found."""

    cases: int = 0
    peak_bytes: int = 0
    failures: list[tuple[int, str]] = field(default_factory=list)


def work(seed: int, first: int, names: list[str], like: str = "") -> None:
    """The worker: says each case before running it, and what went wrong with it."""
    from tests.fuzz import targets

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    number = first
    while True:
        data = mutate.case(seed, number, like)
        _say({"case": number})
        for name in names or targets.TARGETS:
            try:
                targets.TARGETS[name](data)
            except Exception:
                _say({"failed": number, "why": traceback.format_exc()})
                break
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if peak > RESIDENT_BYTES:
            _say({"failed": number, "why": f"memory: {peak >> 20} MiB resident"})
            return
        _say({"peak": peak})
        number += 1


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)


class Watch:
    """A worker, and what it says."""

    def __init__(self, seed: int, first: int, names: list[str], like: str = "") -> None:
        command = [sys.executable, "-m", "tests.fuzz", "--work", str(first), "--seed", str(seed)]
        command += [f"--only={name}" for name in names] + ([f"--like={like}"] if like else [])
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self.process.stdout is not None
        self.fd = self.process.stdout.fileno()
        self.pending = b""

    def line(self, seconds: float) -> dict[str, object] | None:
        """The next line; None when the worker ended.  TimeoutError when it says nothing for so long."""
        end = time.monotonic() + seconds
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.fd], [], [], max(end - time.monotonic(), 0))
            if not ready:
                raise TimeoutError
            heard = os.read(self.fd, 65536)
            if not heard:
                return None
            self.pending += heard
        first, _, self.pending = self.pending.partition(b"\n")
        line: dict[str, object] = json.loads(first)
        return line

    def end(self) -> int:
        self.process.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait()


def run(seed: int, seconds: float, names: list[str], first: int = 0, like: str = "") -> Outcome:
    """Fuzz the targets of these names (all, where there are none) for `seconds`, from case `first`.

    `like` is a pattern for the names of captures to make cases from.
    """
    outcome, number = Outcome(), first
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(outcome.failures) < MOST_FAILURES:
        watch, patience, running = Watch(seed, number, names, like), START_SECONDS, False
        try:
            while time.monotonic() < end and len(outcome.failures) < MOST_FAILURES:
                line = watch.line(patience)
                if line is None:
                    raise ChildProcessError
                patience = CASE_SECONDS
                if "case" in line:
                    number, running = int(str(line["case"])), True
                elif "failed" in line:
                    outcome.failures.append((number, str(line["why"])))
                else:
                    outcome.peak_bytes = max(outcome.peak_bytes, int(str(line["peak"])))
                    outcome.cases += 1
                    running = False
        except TimeoutError:
            outcome.failures.append((number, f"took longer than {patience:g} s"))
        except ChildProcessError:
            code = watch.process.wait()
            if running and (not outcome.failures or outcome.failures[-1][0] != number):
                outcome.failures.append((number, f"ended the worker with status {code}"))
            elif not running:
                raise RuntimeError(f"the worker ended with status {code}") from None
        finally:
            watch.end()
        number += 1
    return outcome


def save(seed: int, outcome: Outcome, folder: Path, like: str = "") -> list[Path]:
    """Write the captures that failed, and why beside each."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for number, why in outcome.failures:
        path = folder / f"{seed}-{number}.capture"
        path.write_bytes(mutate.case(seed, number, like))
        path.with_suffix(".txt").write_text(why)
        saved.append(path)
    return saved


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--save", type=Path, default=Path(tempfile.gettempdir()) / "analyzer-fuzz")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        choices=("decode", "analyze", "parts", "talk"),
        help="do this with each case",
    )
    parser.add_argument("--like", default="", help="captures to make cases from: 'tls*'")
    parser.add_argument("--first", type=int, default=0, help="the first case")
    parser.add_argument("--case", type=int, help="run this case alone, in this process")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        with contextlib.suppress(BrokenPipeError):
            work(options.seed, options.work, options.only, options.like)
        return 0
    if options.case is not None:
        from tests.fuzz import targets

        for name in options.only or targets.TARGETS:
            targets.TARGETS[name](mutate.case(options.seed, options.case, options.like))
        return 0
    outcome = run(options.seed, options.seconds, options.only, options.first, options.like)
    kinds: dict[str, list[int]] = {}
    for number, why in outcome.failures:
        kinds.setdefault("\n".join(why.strip().splitlines()[-3:]), []).append(number)
    for why, numbers in kinds.items():
        print(f"{len(numbers)} times, first in case {numbers[0]}:\n{why}\n")
    print(
        f"seed {options.seed}: {outcome.cases} cases from {len(mutate.seeds(options.like))} captures, "
        f"{len(outcome.failures)} failed, at most {outcome.peak_bytes >> 20} MiB"
    )
    if outcome.failures:
        print(f"captures that failed: {save(options.seed, outcome, options.save, options.like)[0].parent}")
    return 1 if outcome.failures else 0


if __name__ == "__main__":
    sys.exit(main())
