"""Times each stage and the whole command on load captures, beside tshark and ndpiReader where they are installed.

    python benchmarks/run.py [--runs N] [--only NAME]... [--write benchmarks/results.md] [CAPTURE...]

Without captures it makes its own loads (`loads.py`).  ANALYZER_LOAD_MAKER names another maker, called as
`MAKER KIND OUT COUNT` for the kinds of `MADE_ELSEWHERE`.  Figures are medians; ratios count, not seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
OWN: Final = {"bulk": 20, "requests": 20_000, "dns": 100_000}
MADE_ELSEWHERE: Final = {"tls": 40_000, "bulk-tls": 120, "ws": 500, "webrtc": 250}
SECONDS: Final = 600
STAGES: Final = ("read", "decode", "flows", "engine", "whole")
TSHARK: Final = (
    "tshark -r {} -Y 'tcp.flags.syn==1 || http || dns || tls.handshake || websocket || stun' -T fields -e frame.number "
    "-e tcp.stream -e udp.stream -e http.request.uri -e dns.qry.name -e tls.handshake.type -e tcp.analysis.initial_rtt"
)
PEERS: Final = {"tshark": TSHARK, "ndpiReader": "ndpiReader -q -i {}"}


def stage(name: str, path: str) -> None:
    """Run the pipeline up to stage `name`, and print how many frames and seconds it took."""
    from analyzer.capture import open_source
    from analyzer.core import Event, Limits
    from analyzer.decode import decode
    from analyzer.decode.columns import Columns
    from analyzer.decode.slow import SlowPath

    limits = Limits()
    frames = 0
    begin = time.perf_counter()
    if name == "engine":
        from analyzer import api

        frames = api.analyze(path).capture.frames
    elif name == "flows":
        from analyzer.flows.tracker import Tracker

        # The events that the TCP room asks for cost in Python; here only the table is measured.
        tracker = Tracker(limits, Event.SYN)
        for batch in open_source([path], limits=limits):
            tracker.take(batch)
            frames += batch.count
    else:
        columns, slow = Columns(), SlowPath(limits)
        for batch in open_source([path], limits=limits):
            frames += batch.count
            if name == "decode":
                columns.reserve(batch.count)
                decode(batch, columns, slow)
    print(json.dumps({"frames": frames, "seconds": time.perf_counter() - begin}))


@dataclass(slots=True)
class Run:
    seconds: float
    peak_mib: float
    said: str


def run(command: list[str]) -> Run:
    """Run a command to its end: wall time, and the most memory it held."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(command[:4])} ... ended with {process.returncode}")
        out.seek(0)
        return Run(taken, usage.ru_maxrss / 1024, out.read(100_000).decode(errors="replace"))


@dataclass(slots=True)
class Measured:
    """A load, and what was measured on it."""

    name: str
    megabytes: float
    frames: int = 0
    stages: dict[str, float] = field(default_factory=dict)
    peak_mib: float = 0.0
    peers: dict[str, tuple[float, float]] = field(default_factory=dict)  # seconds, MiB


def measure(path: Path, runs: int) -> Measured:
    """Everything on one capture: our stages, the whole command and the peers, in turns."""
    measured = Measured(path.stem, path.stat().st_size / 1e6)
    whole = [sys.executable, "-m", "analyzer", "report", str(path), "--format", "json", "--output", os.devnull]
    taken: dict[str, list[float]] = {name: [] for name in (*STAGES, *PEERS)}
    for _ in range(runs):
        for name in STAGES[:-1]:
            told = json.loads(run([sys.executable, __file__, "--stage", name, str(path)]).said)
            taken[name].append(told["seconds"])
            measured.frames = told["frames"]
        ours = run(whole)
        taken["whole"].append(ours.seconds)
        measured.peak_mib = max(measured.peak_mib, ours.peak_mib)
        for name, command in PEERS.items():
            if shutil.which(name) is not None:
                theirs = run(["sh", "-c", "exec " + command.replace("{}", f"'{path}'")])
                taken[name].append(theirs.seconds)
                measured.peers[name] = (statistics.median(taken[name]), theirs.peak_mib)
    measured.stages = {name: statistics.median(taken[name]) for name in STAGES}
    return measured


def table(results: list[Measured], runs: int) -> str:
    """The results as Markdown, with machine and versions."""
    from analyzer import compiled
    from analyzer.version import VERSION

    forms = " and ".join(sorted(set(compiled.forms().values())))
    versions = [f"analyzer {VERSION}, {forms}", f"Python {platform.python_version()}", *_peer_versions()]
    lines = [
        "# Results",
        "",
        "Written by `python benchmarks/run.py --write benchmarks/results.md`.",
        f"Figures are medians of {runs} rounds, in each of which every command runs in turn on the same file;",
        "compare ratios, since seconds depend on the machine.",
        "",
        f"Machine: {os.cpu_count()} x {_processor()}, {platform.system()} {platform.release()}.  ",
        f"Versions: {'; '.join(versions)}.",
        "",
        "## Stages, ns a frame",
        "",
        "Each stage includes those before it. `whole` is `analyzer report FILE --format json`.",
        "",
        "| load | frames | MB | " + " | ".join(STAGES) + " |",
        "|---|---:|---:|" + "---:|" * len(STAGES),
    ]
    for one in results:
        each = [f"{one.stages[name] / max(one.frames, 1) * 1e9:,.0f}" for name in STAGES]
        lines.append(f"| {one.name} | {one.frames:,} | {one.megabytes:,.0f} | " + " | ".join(each) + " |")
    peers = sorted({name for one in results for name in one.peers}, reverse=True)
    lines += [
        "",
        "## Whole process, beside others",
        "",
        "Seconds and the most memory held; in brackets how many times as long as ours. tshark picks handshakes and",
        "heads out as fields, ndpiReader names protocols from the first packets of a flow: neither writes timelines.",
        "",
        "| load | ours | " + " | ".join(peers) + " |",
        "|---|---:|" + "---:|" * len(peers),
    ]
    for one in results:
        ours = one.stages["whole"]
        row = [f"{ours:.2f} s, {one.peak_mib:.0f} MiB"]
        for name in peers:
            seconds, mib = one.peers[name]
            row.append(f"{seconds:.2f} s, {mib:.0f} MiB ({seconds / ours:.1f})")
        lines.append(f"| {one.name} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _peer_versions() -> list[str]:
    found = []
    for command in (["tshark", "--version"], ["ndpiReader", "-h"]):
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # "TShark (Wireshark) 4.0.17 (Git ...)" and "Welcome to nDPI 4.2.0"
        words = (done.stdout + done.stderr).split("\n", 1)[0].partition(" (Git")[0].split()
        found.append(f"{command[0]} {words[-1].strip('.')}" if words else command[0])
    return found


def loads(folder: Path, only: list[str]) -> list[Path]:
    """The captures to measure, made now."""
    made = []
    maker = os.environ.get("ANALYZER_LOAD_MAKER")
    for name, count in {**OWN, **(MADE_ELSEWHERE if maker else {})}.items():
        if only and name not in only:
            continue
        path = folder / f"{name}.pcap"
        program = (
            [sys.executable, str(Path(__file__).with_name("loads.py"))] if name in OWN else [sys.executable, str(maker)]
        )
        subprocess.run(
            [*program, name.removesuffix("-tls"), str(path), str(count)], check=True, stdout=subprocess.DEVNULL
        )
        made.append(path)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", nargs="*", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", action="append", default=[], help="of the loads that are made, this one")
    parser.add_argument("--write", type=Path, help="write the results to this file too")
    parser.add_argument("--stage", choices=STAGES[:-1], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        stage(options.stage, str(options.captures[0]))
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as folder:
        captures = options.captures or loads(Path(folder), options.only)
        results = []
        for path in captures:
            results.append(measure(path.resolve(), options.runs))
            print(results[-1], file=sys.stderr)
    written = table(results, options.runs)
    print(written)
    if options.write:
        options.write.write_text(written)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
