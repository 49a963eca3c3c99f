"""Streams with the names that the descriptions give to their numbers."""

from __future__ import annotations

from typing import Any

from tests.sessions.webrtc.made import A6, B6, A, B, Scene

AUDIO = {
    "media": "audio",
    "fmt": ["111", "0"],
    "rtpmap": [{"payload_type": 111, "encoding": "opus", "clock_rate": 48000}, {"payload_type": "x"}],
}


def stream(sender: str = "initiator", kind: int = 111, ssrc: int = 1, packets: int = 50, **more: Any) -> dict[str, Any]:
    found = {"sender": sender, "ssrc": ssrc, "packets": packets, "payload_type": {"value": kind, "name": ""}}
    found |= {"lost": 2, "jitter_ns": 3_000_000, "bitrate": 32_000, "first_ns": 90, "last_ns": 99, "first_frame": 20}
    return found | {"payload_types": [{"payload_type": kind, "packets": packets}]} | more


def scene_with(*streams: Any, described: bool = True) -> Scene:
    scene = Scene()
    if described:
        scene.describe(0, 0, media=AUDIO)
        scene.describe(20, 1, media=AUDIO)
    scene.ice()
    scene.secure()
    story, _ = scene.story(A, B)
    story.facts["rtp_streams"] = list(streams)
    return scene


def test_a_stream_is_named_by_the_descriptions() -> None:
    scene = scene_with(stream(jitter_ns_by_clock_rate={"48000": 1_500_000}), stream("responder", 0, 2))
    first, second = scene.call().facts["streams"]
    assert first == {
        "from": "A",
        "codec": "opus",
        "ssrc": "0x00000001",
        "packets": 50,
        "lost": 2,
        "jitter_ms": 1.5,
        "kbit_s": 32.0,
        "payload_type": 111,
        "first_ns": 90,
        "last_ns": 99,
    }
    assert (second["from"], second["codec"], second["jitter_ms"]) == ("B", None, 3.0)


def test_a_stream_that_is_seen_twice_is_told_once() -> None:
    scene = scene_with(stream(packets=50), stream(kind=99, packets=60, hint="RTX"), "nonsense", {"packets": None})
    (row,) = scene.call().facts["streams"]
    assert (row["packets"], row["hint"]) == (60, "RTX")


def test_a_number_that_nobody_named() -> None:
    verdict = scene_with(stream("responder", 96, 0xABC)).verdict("rtp.unknown-payload-type")
    assert verdict.text == (
        "B sent 50 packets of payload type 96 (SSRC 0x00000abc), which neither description names; they have 0, 111."
    )
    assert verdict.frames == (20,)


def test_what_is_no_reason_to_speak() -> None:
    assert scene_with(stream(kind=96, packets=4)).codes() == [], "a stray packet"
    assert scene_with(stream(kind=96), described=False).codes() == [], "nothing was described"
    assert scene_with(stream(kind=0)).codes() == [], "a number without a name was agreed on, too"


def numbered(first: int, last: int, from_ns: int, to_ns: int, **more: Any) -> dict[str, Any]:
    numbers = {"first_sequence_number": first, "last_sequence_number": last, "first_ns": from_ns, "last_ns": to_ns}
    return stream(packets=last - first + 1, bytes=1000, lost=0) | numbers | more


def test_a_stream_that_goes_over_to_another_path_is_one() -> None:
    one, two = numbered(10, 14, 0, 9 * 10**8), numbered(16, 25, 10**9, 2 * 10**9, last_frame=99)
    scene = scene_with(two)
    scene.ice(200, (A6, B6))
    story, _ = scene.story(A6, B6)
    story.facts["rtp_streams"] = [one]
    (row,) = scene.call().facts["streams"]
    assert (row["packets"], row["lost"], row["kbit_s"]) == (15, 1, 8.0)
    assert (row["first_ns"], row["last_ns"]) == (0, 2 * 10**9)


def test_both_sides_of_a_relay_show_the_same_stream() -> None:
    one, again = numbered(10, 25, 0, 10**9), numbered(10, 24, 5, 10**9)
    scene = scene_with(one, again)
    assert [row["packets"] for row in scene.call().facts["streams"]] == [16]


def test_header_extensions_have_the_names_that_were_agreed_on() -> None:
    uris = [
        "urn:ietf:params:rtp-hdrext:sdes:mid",
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    ]
    extmap = [{"id": number, "uri": uri} for number, uri in enumerate(uris, 1)]
    media = AUDIO | {"extmap": [*extmap, "nonsense", {"id": None}]}
    scene = Scene()
    scene.describe(0, 0, media=media)
    scene.describe(20, 1, media=AUDIO)
    scene.ice()
    scene.secure()
    story, _ = scene.story(A, B)
    story.facts["rtp_streams"] = [stream(extension_ids=[1, 2, 3, 14])]
    (row,) = scene.call().facts["streams"]
    assert row["header_extensions"] == ["mid", "transport-wide-cc", "abs-send-time", "14"]


def test_lines_of_streams_are_named_too() -> None:
    scene = scene_with(stream())
    for kind, told in (("rtp.stream", 111), ("rtp.payload-type", 0), ("rtp.stream", {"value": 8, "name": "PCMA"})):
        scene.note(70, A, B, kind, {"payload_type": told}, text=f"SSRC 1, payload type {told}: 3 packets")
    notes = [note for note in scene.call().notes if note.kind.startswith("rtp.")]
    assert [note.fields["payload_type"] for note in notes] == [
        {"value": 111, "name": "opus"},
        0,
        {"value": 8, "name": "PCMA"},
    ]
    assert notes[0].text == "SSRC 1, payload type 111 (opus): 3 packets"
