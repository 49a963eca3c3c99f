"""Streams with the names that the descriptions give to their numbers."""

from __future__ import annotations

from typing import Any

from tests.sessions.webrtc.made import A, B, Scene

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
    assert (second["from"], second["codec"], second["jitter_ms"]) == ("B", "0", 3.0)


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
