"""The fuzz harness itself, and a few seconds of it."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from analyzer import core
from analyzer.engine.registry import Registry
from analyzer.protocols.tcp import PROTOCOL
from tests.conftest import ROOT
from tests.fuzz import __main__ as harness
from tests.fuzz import mutate, targets


def test_a_case_is_always_the_same() -> None:
    assert [mutate.case(7, number) for number in range(20)] == [mutate.case(7, number) for number in range(20)]
    assert mutate.case(7, 1) != mutate.case(8, 1)


def test_cases_of_some_captures_only() -> None:
    names = [name for name, _ in mutate.seeds("*alt*")]
    assert names
    assert all("alt" in name for name in names)
    assert len(names) < len(mutate.seeds())
    assert mutate.case(7, 1, "*alt*") == mutate.case(7, 1, "*alt*")
    assert mutate.seeds("nothing is called so") == [("made", mutate._made())]


def test_packets_survive_splitting_and_writing() -> None:
    made = mutate._made()
    parts = mutate.split(made)
    assert parts is not None
    assert parts.link_type == 1
    assert [packet.length for packet in parts.packets] == [54] * 4
    assert mutate._pcap(parts, "<", False) == made
    assert mutate.split(mutate._pcap(parts, ">", True)) == parts
    assert mutate.split(b"no capture") is None
    assert mutate.split(b"\x1f\x8b") is None


@pytest.mark.parametrize("mutation", mutate.FILE_MUTATIONS)
def test_mutations_take_anything(mutation: mutate.Mutation) -> None:
    choice = random.Random(1)
    for data in (b"", b"x", b"\x0a\x0d\x0d\x0a", mutate._made()):
        for _ in range(20):
            mutation(data, choice)


def test_most_cases_are_still_captures() -> None:
    cases = [mutate.case(1, number) for number in range(200)]
    assert sum(mutate.split(data) is not None for data in cases) > 100


def test_a_few_seconds_find_nothing() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "4", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mistake_in_a_room_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(core.RowDissector):
        wanted = core.Event.SYN

        def on_segment(self, segment: core.Segment) -> core.Outputs:
            raise KeyError("lost")

    rooms = Registry([replace(PROTOCOL, rows=Broken)])
    monkeypatch.setattr("analyzer.engine.engine.registry", lambda: rooms)
    with pytest.raises(AssertionError, match="lost"):
        targets.analyze(mutate._made())


# --- the harness notices what it is for -------------------------------------------------------------------------------

WORKER = """
import time, sys
sys.argv[0] = "tests.fuzz"
from tests.fuzz import __main__ as harness, targets
def target(data):
    {body}
targets.TARGETS.clear()
targets.TARGETS["decode"] = target
harness.work(1, {first}, [])
"""


def watch(monkeypatch: pytest.MonkeyPatch, body: str) -> harness.Outcome:
    """A short run whose worker does `body` with each case."""

    class Bad(harness.Watch):
        def __init__(self, seed: int, first: int, names: list[str], like: str = "") -> None:
            command = [sys.executable, "-c", WORKER.format(body=body, first=first)]
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
            assert self.process.stdout is not None
            self.fd = self.process.stdout.fileno()
            self.pending = b""

    monkeypatch.setattr(harness, "Watch", Bad)
    monkeypatch.setattr(harness, "CASE_SECONDS", 2.0)
    monkeypatch.setattr(harness, "MOST_FAILURES", 2)
    return harness.run(1, 30.0, [])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise KeyError('lost')", "KeyError: 'lost'"),
        ("time.sleep(60)", "took longer than 2 s"),
        ("bytearray(3 << 30)", "MemoryError"),
        ("kept = bytearray(500 << 20); kept[::4096] = kept[::4096]", "MiB resident"),
        ("import os; os.abort()", "ended the worker with status -6"),
    ],
)
def test_it_notices(monkeypatch: pytest.MonkeyPatch, body: str, why: str) -> None:
    outcome = watch(monkeypatch, body)
    assert outcome.failures
    assert all(why in told for _, told in outcome.failures)
    assert outcome.failures[0][0] == 0


def test_what_failed_is_saved(tmp_path: Path) -> None:
    saved = harness.save(1, harness.Outcome(failures=[(3, "why")]), tmp_path / "new")
    assert saved[0].read_bytes() == mutate.case(1, 3)
    assert saved[0].with_suffix(".txt").read_text() == "why"
