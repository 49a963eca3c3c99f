"""The media captures of the lab: streams of both browsers, SRTP checked with the keys of DTLS, and SRTCP opened."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

import analyzer
from analyzer.core import Severity
from tests.conftest import LAB, lab_file

if TYPE_CHECKING:
    from analyzer.core import Note, Report

CAPTURES = sorted(path.stem for path in (LAB / "captures").glob("webrtc-*.pcapng"))
MEDIA = [name for name in CAPTURES if name.startswith("webrtc-media")]
KEYED = [name for name in MEDIA if (LAB / "captures" / f"{name}.keys").exists()]
OPUS = (109, 111)
PROFILES = {"webrtc-media-chromium-aiortc": "SRTP_AES128_CM_HMAC_SHA1_80"}


@cache
def report_of(name: str) -> Report:
    path = lab_file(f"{name}.pcapng")
    keys = path.with_suffix(".keys")
    return analyzer.analyze(path, keylog=keys if keys.exists() else None)


def notes(name: str, prefix: str) -> list[Note]:
    return [note for session in report_of(name).sessions for note in session.notes if note.kind.startswith(prefix)]


@pytest.mark.parametrize("name", MEDIA)
def test_media_of_both_sides_are_told_with_nothing_lost(name: str) -> None:
    streams = notes(name, "rtp.stream")
    assert {note.sender for note in streams} == {0, 1}
    assert all(note.fields["lost"] == 0 for note in streams)
    assert all(note.fields["extension_profile"] == "0xbede" for note in streams)
    assert sum(note.fields["packets"] for note in streams) > 100


@pytest.mark.parametrize("name", KEYED)
def test_media_prove_authentic_and_reports_open(name: str) -> None:
    opened = notes(name, "srtp.opened")
    assert opened
    assert all(note.fields["failed"] == 0 and note.fields["authentic"] >= 3 for note in opened)
    assert {note.fields["profile"] for note in opened} == {PROFILES.get(name, "SRTP_AEAD_AES_128_GCM")}
    assert notes(name, "rtcp.encrypted") == []
    reports = notes(name, "rtcp.sender-report")
    assert reports
    assert all(note.fields["srtcp"] for note in reports)
    # What senders say that they sent is what came: of voice, as of pictures Firefox counts what it sent again, too.
    sent = {note.fields["ssrc"]: note.fields["sender_packet_count"] for note in reports}
    came: dict[int, int] = {}
    for note in notes(name, "rtp.stream"):  # one path after another may carry a stream
        if number(note.fields["payload_type"]) in OPUS:
            came[note.fields["ssrc"]] = came.get(note.fields["ssrc"], 0) + note.fields["packets"]
    assert came
    assert [ssrc for ssrc, count in came.items() if sent.get(ssrc, 1) > count] == []


#: Addresses of the two ends in every capture of the lab: both versions of IP are one end.
HOSTS = {"10.77.0.1": "A", "fd77::1": "A", "10.77.0.2": "B", "fd77::2": "B"}


def number(value: Any) -> int:
    return int(value["value"] if isinstance(value, dict) else value)


def counted(name: str) -> Counter[str]:
    """Packets as the lab counts them: by who is DTLS client, RTP by payload type, RTCP by its first packet's type."""
    flows = {flow.id: flow for flow in report_of(name).flows}

    def end(note: Note) -> str:
        assert note.sender is not None
        flow = flows[note.flow]
        return HOSTS[(flow.initiator, flow.responder)[note.sender].address]

    (client,) = {end(note) for note in notes(name, "dtls.client-hello")}
    found: Counter[str] = Counter()
    types = {(end(note), note.fields["ssrc"], number(note.fields["payload_type"])) for note in notes(name, "rtp.")}
    assert types
    for note in notes(name, "rtp.stream"):
        who = "client" if end(note) == client else "server"
        for one in note.fields.get("payload_types") or [note.fields]:
            found[f"{who} RTP {number(one['payload_type'])}"] += one["packets"]
    seen = set()
    for note in notes(name, "rtcp."):
        if note.frames[-1] not in seen:  # the first packet of a datagram
            seen.add(note.frames[-1])
            who = "client" if end(note) == client else "server"
            found[f"{who} RTCP {number(note.fields['packet_type'])}"] += 1
    return found


@pytest.mark.parametrize("name", KEYED)
def test_packets_are_those_that_the_lab_opened(name: str) -> None:
    opened = json.loads(lab_file(f"{name}.json").read_text())["truth"]["srtp_opened"]
    assert counted(name) == opened["packets"]


@pytest.mark.parametrize("name", [name for name in MEDIA if name not in KEYED])
def test_without_keys_reports_stay_closed(name: str) -> None:
    kinds = {note.kind for note in notes(name, "rtcp.")}
    assert kinds == {"rtcp.encrypted"}


@pytest.mark.parametrize("name", CAPTURES)
def test_nothing_of_rtp_is_wrong(name: str) -> None:
    findings = [found for found in report_of(name).findings if found.code.startswith(("rtp.", "rtcp.", "srtp."))]
    assert [found.code for found in findings if found.severity in (Severity.ERROR, Severity.WARNING)] == []
    if not name.startswith("webrtc-media"):
        assert notes(name, "rtp.") == []
        assert notes(name, "rtcp.") == []
    assert notes(name, "engine.") == []
