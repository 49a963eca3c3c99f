"""SCTP beside what both ends said of it: ports, sizes, handshakes sent ahead."""

from __future__ import annotations

from typing import Any

import pytest

from analyzer.core import Severity
from tests.sessions.webrtc.made import A6, B6, A, B, Scene, candidate


def scene_with(offer: dict[str, Any], answer: dict[str, Any], *, ports: tuple[int, int] | None = (5000, 5000)) -> Scene:
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A)], media=offer)
    scene.describe(20, 1, candidates=[candidate(B)], media=answer)
    scene.ice()
    scene.secure()
    if ports is not None:
        story, _ = scene.story(A, B)
        story.facts["sctp_ports"] = list(ports)
    return scene


def chunk(scene: Scene, at: float, side: int, event: str) -> int:
    ends = (A, B)
    note, _ = scene.note(at, ends[side], ends[1 - side], f"sctp.{event}")
    return note.frames[-1]


def said_by(scene: Scene) -> list[str]:
    return [code for code in scene.codes() if code.startswith(("sctp.", "datachannel."))]


# --- ports ------------------------------------------------------------------------------------------------------------


def wrong_ports() -> Scene:
    scene = scene_with({"sctp_port": 5000}, {"sctp_port": 5001})
    assert chunk(scene, 60, 0, "init") == 13
    return scene


def test_a_port_that_was_not_signalled() -> None:
    scene = wrong_ports()
    scene.say(60, 0, (A, B), "sctp.init-unanswered")
    assert scene.codes() == ["sctp.port-mismatch"], "that nobody answers is what comes of it"
    verdict = scene.verdict("sctp.port-mismatch")
    assert verdict.severity is Severity.ERROR
    assert verdict.text == (
        "SCTP runs between port 5000 of A and port 5000 of B (frame 13); the answer of B (frame 2) has "
        "a=sctp-port:5001. It was not answered."
    )


def test_what_came_of_a_wrong_port() -> None:
    scene = wrong_ports()
    chunk(scene, 61, 1, "abort")
    assert scene.verdict("sctp.port-mismatch").text.endswith("It was aborted (frame 14).")
    scene = wrong_ports()
    chunk(scene, 61, 1, "cookie-ack")
    verdict = scene.verdict("sctp.port-mismatch")
    assert (verdict.severity, verdict.text[-42:]) == (
        Severity.WARNING,
        "5001. The association came to be all the same."[-42:],
    )


@pytest.mark.parametrize(
    ("offer", "answer", "ports"),
    [
        ({"sctp_port": 5000}, {"sctp_port": 5001}, (5000, 5001)),
        ({"sctp_port": 5000}, {}, (5000, 5001)),
        ({"sctp_port": 5000}, {"sctp_port": 5001}, None),
    ],
)
def test_ports_that_nobody_can_object_to(offer: Any, answer: Any, ports: Any) -> None:
    scene = scene_with(offer, answer, ports=ports)
    chunk(scene, 60, 0, "init")
    assert said_by(scene) == []


def test_ports_of_an_association_that_was_not_seen() -> None:
    assert said_by(scene_with({"sctp_port": 1}, {"sctp_port": 2})) == []


# --- handshakes sent ahead --------------------------------------------------------------------------------------------


def test_data_without_a_handshake_by_agreement() -> None:
    scene = scene_with({"sctp_init": "AQAA"}, {"sctp_init": "AQBB"})
    chunk(scene, 60, 1, "data")
    verdict = scene.verdict("sctp.snap")
    assert verdict.severity is Severity.INFO
    assert verdict.text == "Both signalled their INIT (frames 1 and 2); data follow at once (frame 13)."


def test_an_init_that_is_only_given_back() -> None:
    scene = scene_with({"sctp_init": "AQAA"}, {"sctp_init": "AQAA"})
    verdict = scene.verdict("sctp.snap-broken")
    assert verdict.severity is Severity.ERROR
    assert verdict.text.startswith("A and B signal the very same INIT (frames 1 and 2): the answer only gives back")


def test_one_side_that_waits_for_the_handshake() -> None:
    scene = scene_with({"sctp_init": "AQAA"}, {"sctp_init": "AQBB"})
    chunk(scene, 60, 0, "data")
    chunk(scene, 61, 1, "init")
    scene.say(61, 0, (A, B), "sctp.peer-failed")
    assert scene.codes() == ["sctp.snap-broken"]
    assert scene.verdict("sctp.snap-broken").text == (
        "Both signalled their INIT (frames 1 and 2). A sends data (frame 13); B sends an INIT (frame 14) and waits for "
        "its answer."
    )


def test_both_do_the_handshake_all_the_same() -> None:
    scene = scene_with({"sctp_init": "AQAA"}, {"sctp_init": "AQBB"})
    for number, (side, event) in enumerate([(0, "init"), (1, "init-ack"), (1, "cookie-ack"), (1, "i-data")]):
        chunk(scene, 60 + number, side, event)
    assert said_by(scene) == []


def test_only_one_side_signals_its_init() -> None:
    scene = scene_with({"sctp_init": "AQAA"}, {})
    chunk(scene, 60, 1, "data")
    assert said_by(scene) == []


# --- channels ---------------------------------------------------------------------------------------------------------


def opened(stream: Any, side: int = 1, client: int = 1) -> Scene:
    scene = Scene()
    scene.agree()
    scene.ice()
    scene.secure(client=client)
    scene.note(60, (A, B)[side], (A, B)[1 - side], "datachannel.open", {"stream_identifier": stream, "label": "x"})
    return scene


def test_a_stream_id_that_does_not_fit_the_role_in_dtls() -> None:
    assert opened(1).verdict("datachannel.parity-conflict").text == (
        "B opened a channel on stream 1 (frame 15), and is DTLS client (ClientHello in frame 11): its stream ids have "
        "to be even."
    )
    assert opened(0, side=0).verdict("datachannel.parity-conflict").text.endswith("have to be odd.")


def test_stream_ids_that_fit_or_are_told_already() -> None:
    assert said_by(opened(0)) == said_by(opened(1, side=0)) == said_by(opened(None)) == []
    scene = opened(1)
    scene.say(60, 0, (A, B), "datachannel.parity-conflict")
    assert said_by(scene) == ["datachannel.parity-conflict"]


def test_what_both_legs_of_a_relay_show_is_told_once() -> None:
    scene = opened(0)
    scene.ice(70, (A6, B6))
    for ends in ((A, B), (A6, B6)):
        scene.say(80, 0, ends, "sctp.user-abort")
        scene.say(80, 0, ends, "stun.bad-fingerprint")
    assert sorted(scene.codes()) == ["sctp.user-abort", "stun.bad-fingerprint", "stun.bad-fingerprint"]


# --- sizes ------------------------------------------------------------------------------------------------------------


def with_messages(scene: Scene, *sizes: Any) -> Scene:
    for number, size in enumerate(sizes):
        scene.note(60 + number, A, B, "datachannel.message", {"message_bytes": size})
    return scene


def test_a_message_that_the_receiver_does_not_take() -> None:
    scene = with_messages(scene_with({"max_message_size": 10}, {"max_message_size": 1000}), 900, 1500, 1200)
    verdict = scene.verdict("datachannel.message-too-big")
    assert verdict.text == (
        "A sent a message of 1,500 bytes (frame 14); the answer of B (frame 2) has a=max-message-size:1000."
    )


@pytest.mark.parametrize("answer", [{"max_message_size": 1500}, {"max_message_size": 0}, {}])
def test_messages_that_are_not_too_big(answer: dict[str, Any]) -> None:
    assert said_by(with_messages(scene_with({"max_message_size": 10}, answer), 1500, None)) == []
