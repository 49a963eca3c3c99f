"""Streams in words: what is told of what was counted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analyzer.core import MediaStream, MediaType, Note
from analyzer.protocols.rtp import media
from analyzer.protocols.rtp.findings import FINDINGS
from analyzer.protocols.rtp.words import WORDS

S = 1_000_000_000


def stream(**how: Any) -> MediaStream:
    kind = how.pop("kind", 96)
    packets = how.pop("packets", 500)
    made = MediaStream(
        sender=0, ssrc=1, types=(MediaType(kind, packets, 1, 42, 100, S),), packets=packets, copies=0, late=0, lost=0,
        lost_run=0, lost_frame=0, restarts=0, bytes=50_000, largest=100, first_frame=1, last_frame=500, first_ns=S,
        last_ns=11 * S, first_at=42, first_bytes=100, first_seq=1, last_seq=500, stamps=480_000, stamps_ns=10 * S,
        jitters=((8000, 7), (16000, 6), (48000, 5_000_000), (90000, 4), (44100, 3)), silence_ns=0, silence_frame=0,
        markers=0, padded=0, sources=0, extension=None, extension_ids=(),
    )  # fmt: skip
    return replace(made, **how)


def test_a_clock_is_known_from_the_type_or_measured() -> None:
    assert media.clock_rate(stream(kind=8)) == (8000, False)
    assert media.clock_rate(stream()) == (48000, True)
    assert media.clock_rate(stream(stamps=900_000)) == (90000, True)
    assert media.clock_rate(stream(stamps=600_000)) == (0, False)  # none of the usual
    assert media.clock_rate(stream(stamps_ns=S // 2)) == (0, False)
    assert media.clock_rate(stream(stamps=-5)) == (0, False)
    assert media.jitter_ns(stream(), 12345) is None


def test_the_type_of_most_packets_is_that_of_the_stream() -> None:
    types = (MediaType(13, 1, 1, 42, 30, S), MediaType(8, 300, 2, 42, 100, S))
    said = list(media.notes(stream(types=types), ""))
    assert [note.kind for note in said if isinstance(note, Note)] == ["rtp.stream", "rtp.payload-type"]
    assert isinstance(said[0], Note)
    assert isinstance(said[1], Note)
    assert said[0].fields["payload_type"] == {"value": 8, "name": "PCMA"}
    assert said[0].fields["payload_types"] == [
        {"payload_type": 13, "packets": 1},
        {"payload_type": 8, "packets": 300},
    ]
    assert said[1].text == "SSRC 0x00000001, payload type 13 (CN): 1 packet of the 500"


def test_what_a_line_says() -> None:
    fields = media.fields_of(stream(lost=25, late=2, copies=3), "")
    assert media.text_of(stream(lost=25, late=2, copies=3), fields, "") == (
        "SSRC 0x00000001, payload type 96: 500 packets in 10.0 s, 40 kbit/s, 25 lost (4.8 %), 2 out of order, 3 twice, "
        "jitter 5.0 ms"
    )
    assert (fields["jitter"], fields["jitter_ns"], fields["clock_rate_measured"]) == (240.0, 5_000_000, True)
    short = stream(last_ns=S, stamps_ns=0)
    assert media.text_of(short, media.fields_of(short, "x"), "x") == (
        "SSRC 0x00000001, payload type 96: 500 packets, none lost, x"
    )
    assert media.fields_of(short, "x")["hint"] == "x"


def test_what_is_rare_has_fields_only_where_it_is() -> None:
    odd = stream(lost_run=3, restarts=1, padded=2, sources=1, extension=0xBEDE, extension_ids=(1, 4))
    fields = media.fields_of(odd, "")
    assert (fields["extension_profile"], fields["extension_ids"]) == ("0xbede", [1, 4])
    assert (fields["most_lost_in_a_row"], fields["restarts"], fields["padded_packets"]) == (3, 1, 2)
    assert fields["contributing_sources"] == 1
    assert "extension_ids" not in media.fields_of(stream(extension=0xC0DE), "")
    assert "restarts" not in media.fields_of(stream(), "")


def test_hints_from_numbers_alone() -> None:
    video = stream(ssrc=1, stamps=900_000)
    again = stream(ssrc=2, kind=97, packets=20, stamps=900_000)
    small = stream(ssrc=3, stamps=900_000, packets=300)
    voice = stream(ssrc=4, kind=8)
    probing = stream(ssrc=0, kind=97)
    theirs = stream(ssrc=5, sender=1, kind=97, packets=5)
    found = media.hints([video, again, small, voice, probing, theirs])
    assert "RTX" in found[0, 2]
    assert "simulcast" in found[0, 1]
    assert "simulcast" in found[0, 3]
    assert "probing" in found[0, 0]
    assert (0, 4) not in found
    assert (1, 5) not in found


def codes(*streams: MediaStream) -> list[str]:
    return [finding.code for finding in media.judge(streams)]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"lost": 60}, ["rtp.loss"]),
        ({"lost": 10}, []),
        ({"lost": 60, "ssrc": 0}, []),
        ({"lost": 5, "packets": 20}, []),
        ({"lost": 60, "lost_run": 60, "lost_frame": 9}, ["rtp.gap"]),
        ({"lost": 160, "lost_run": 60, "lost_frame": 9}, ["rtp.loss", "rtp.gap"]),
    ],
)
def test_verdicts(how: dict[str, Any], expected: list[str]) -> None:
    assert codes(stream(**how)) == expected


def test_one_ssrc_of_both_sides() -> None:
    assert codes(stream(), stream(sender=1)) == ["rtp.ssrc-collision"]
    assert codes(stream(ssrc=0), stream(ssrc=0, sender=1)) == []
    assert codes(stream(), stream(sender=1, ssrc=9)) == []


def test_who_sends_alone() -> None:
    assert media.one_sided([stream()]) is not None
    assert media.one_sided([stream(), stream(sender=1)]) is None
    assert media.one_sided([stream(last_ns=2 * S)]) is None
    assert media.one_sided([]) is None


def test_words() -> None:
    assert "PCMA" in WORDS["payload type 8"].title
    assert WORDS["RTCP SR"].spec == "RFC 3550 6.4.1"
    assert all(word.meaning.endswith(".") for word in WORDS.values())
    assert all(kind.advice and kind.cause for kind in FINDINGS.values())
