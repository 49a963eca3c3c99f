"""The media captures of the lab: streams of both browsers, SRTP checked with the keys of DTLS, and SRTCP opened."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

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
        if note.fields["payload_type"] in OPUS:
            came[note.fields["ssrc"]] = came.get(note.fields["ssrc"], 0) + note.fields["packets"]
    assert came
    assert [ssrc for ssrc, count in came.items() if sent.get(ssrc, 1) > count] == []


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
