"""Which rooms there are, and what they claim."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from analyzer import core
from analyzer import protocols as package
from analyzer.engine import registry as under_test
from analyzer.engine.registry import Registry, find, labels, protocols, registry
from tests.engine.rooms import protocol

if TYPE_CHECKING:
    from pathlib import Path


def test_rooms_are_found() -> None:
    names = [one.name for one in protocols()]
    assert names == sorted(names)
    assert {"tcp", "http1", "dns"} <= set(names)
    assert {entry.name for entry in labels()["tcp"]} >= {"http1", "dns"}
    assert {entry.name for entry in labels()["udp"]} >= {"dns"}
    assert registry().rows["tcp"].protocol.rows is not None
    assert registry().wanted & core.Event.SYN
    assert registry().claimants("nobody:this") == ()


def test_a_broken_room_is_our_bug_and_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_room.py").write_text("raise ZeroDivisionError")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    with pytest.raises(ZeroDivisionError):
        find()
    assert "analyzer.protocols.broken_room" not in sys.modules


def test_modules_without_a_protocol_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "just_names.py").write_text("PROTOCOL = 'none'")
    monkeypatch.setattr(package, "__path__", [str(tmp_path)])
    assert find() == []


def test_two_rooms_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two rooms"):
        Registry([protocol(), protocol()])


def test_a_rows_room_that_does_not_say_gets_all() -> None:
    def room(flow: core.Flow, limits: core.Limits) -> core.RowDissector:
        return core.RowDissector(flow, limits)

    assert Registry([protocol(room=None, rows=room)]).wanted == 0x7FFFFFFF


@pytest.mark.parametrize("one", protocols(), ids=lambda one: one.name)
def test_tables_are_complete(one: core.Protocol) -> None:
    for kind in one.kinds.values():
        assert kind.meaning.endswith((".", "?"))
        assert one.reference(kind.spec)
    for finding in one.findings.values():
        assert finding.cause
        assert finding.advice
        assert one.reference(finding.spec)
    assert one.rows is not None or one.room is not None
    assert all(kind.spec == "" for kind in under_test.KINDS.values())


def test_first_bytes_close_rooms_before_they_are_asked() -> None:
    one, other = protocol("one"), protocol("two", starts=frozenset(b"AB"))
    found = Registry([one, other])
    (label,) = one.over
    assert found.entries["one"].bit != found.entries["two"].bit
    assert [found.closed[label][byte] for byte in b"ABC"] == [0, 0, found.entries["two"].bit]


@pytest.mark.parametrize("name", [one.name for one in protocols() if one.starts is not None])
def test_a_room_takes_nothing_that_starts_with_other_bytes(name: str) -> None:
    (room,) = [one for one in protocols() if one.name == name]
    assert room.probe is not None
    for byte in range(256):
        if byte not in (room.starts or ()):
            for more in (b"", b"\0" * 40, b" / HTTP/1.1\r\n", b"\r\n\r\n", bytes([byte]) * 100):
                assert room.probe(bytes([byte]) + more) is False


def test_rooms_for_late_streams_are_known() -> None:
    late = replace(protocol("late", ("tcp",)), late=True)
    found = Registry([protocol("early", ("tcp",)), late])
    assert found.late == found.entries["late"].bit
