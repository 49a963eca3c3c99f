"""The steps of a call, and what each waited for."""

from __future__ import annotations

import pytest

from analyzer.core import Outcome, Phase, Session
from analyzer.sessions.webrtc.phases import ms
from tests.sessions.webrtc.made import A6, B6, MS, SERVER, A, B, Scene, candidate, healthy


def steps(call: Session) -> dict[str, tuple[int, int, str]]:
    return {phase.name: (phase.start_ns // MS, phase.end_ns // MS, phase.outcome.value) for phase in call.phases}


def waited(call: Session, name: str) -> str:
    found: str = call.facts["waited_for"][name]
    return found


def test_from_the_offer_to_dtls() -> None:
    call = healthy().call()
    assert steps(call) == {
        "signalling": (0, 21, "established"),
        "checks": (30, 32, "established"),
        "nomination": (40, 42, "established"),
        "dtls": (50, 55, "established"),
    }
    assert waited(call, "signalling") == "offer frame 1, answer frame 4: B took 19.0 ms to answer"
    assert waited(call, "checks") == "first check frame 5, first answer frame 6"
    assert waited(call, "dtls") == "B is client; the ServerHello came 2.00 ms after its ClientHello"
    assert call.facts["set_up_ms"] == 55.0


def test_an_offer_without_an_answer() -> None:
    scene = Scene()
    scene.describe(0, 0)
    scene.check(30, 0, answer=False)
    call = scene.call()
    assert steps(call)["signalling"] == (0, 30, "unanswered")
    assert "set_up_ms" not in call.facts


def test_an_answer_without_an_offer() -> None:
    scene = Scene()
    scene.describe(5, 1)
    scene.ice()
    call = scene.call()
    assert steps(call)["signalling"] == (5, 5, "partial")
    assert call.title.startswith("A 10.0.0.1")


def test_a_second_exchange_is_no_part_of_the_first() -> None:
    scene = healthy()
    scene.describe(5000, 0)
    scene.describe(5020, 1, media={"setup": "active"})
    assert steps(scene.call())["signalling"][1] == 5020
    scene = healthy()
    scene.describe(5000, 0, ufrag="anew")
    scene.describe(5020, 1, ufrag="bnew")
    assert steps(scene.call())["signalling"][1] == 21


def test_gathering_by_trickle_and_by_servers() -> None:
    scene = healthy()
    scene.ask(3, A, mapped=A, rtt=4)
    scene.trickle(6, 1, candidate(B))
    scene.trickle(9, 1, candidate(A))
    call = scene.call()
    assert steps(call)["gathering"] == (3, 9, "established")
    assert waited(call, "gathering") == "STUN server 203.0.113.5:3478: 4.00 ms; B signalled 2 candidates"


def test_gathering_that_failed() -> None:
    scene = healthy()
    scene.ask(3, A)
    scene.ask(503, A)
    call = scene.call()
    assert steps(call)["gathering"] == (3, 503, "unanswered")
    assert call.outcome is Outcome.ESTABLISHED
    scene.note(510, SERVER, A, "stun.binding-error", {"error_code": {"value": 500}})
    assert steps(scene.call())["gathering"][2] == "failed"


def test_questions_after_the_nomination_are_no_gathering() -> None:
    scene = healthy()
    scene.ask(9000, A, mapped=A)
    assert "gathering" not in steps(scene.call())


def test_no_answer_to_the_nomination() -> None:
    scene = Scene()
    scene.check(0, 0)
    scene.check(10, 0, nominate=True, answer=False)
    assert steps(scene.call())["nomination"] == (10, 10, "unanswered")


def test_checks_that_were_refused_or_not_answered() -> None:
    scene = Scene()
    scene.check(0, 0, error=400)
    scene.check(9000, 0, error=400)
    assert steps(scene.call())["checks"] == (0, 9002, "failed")
    scene = Scene()
    scene.check(0, 0, answer=False)
    assert steps(scene.call())["checks"] == (0, 0, "open")


def test_a_hello_that_was_sent_again() -> None:
    scene = Scene()
    scene.ice()
    scene.hello(50)
    scene.hello(1050)
    scene.note(1055, A, B, "dtls.server-hello")
    next(iter(scene.stories.values())).phases.append(Phase("dtls", 50 * MS, 1060 * MS, Outcome.ESTABLISHED, 2))
    assert waited(scene.call(), "dtls").endswith("came 1.00 s after its ClientHello, which was sent 2 times")


def test_channels_and_messages() -> None:
    scene = healthy()
    story, _ = scene.story(A, B)
    story.phases += [
        Phase("sctp", 56 * MS, 58 * MS, Outcome.ESTABLISHED, 2),
        Phase("sctp", 57 * MS, 59 * MS, Outcome.OPEN, None),
        Phase("channel", 58 * MS, 60 * MS, Outcome.ESTABLISHED, 1),
    ]
    scene.note(59, A, B, "datachannel.open", {"label": "chat"})
    scene.note(65, B, A, "datachannel.message", {})
    scene.note(66, A, B, "datachannel.message", {})
    call = scene.call()
    assert list(steps(call).items())[-3:] == [
        ("sctp", (56, 58, "established")),
        ("channel", (58, 60, "established")),
        ("first message", (59, 65, "established")),
    ]
    assert waited(call, "first message") == "that of B in frame 18"
    assert call.title == 'A 10.0.0.1 <-> B 10.0.0.2, data channel "chat"'


def test_what_an_association_and_its_first_channel_waited_for() -> None:
    scene = healthy()
    story, _ = scene.story(A, B)
    scene.note(56, A, B, "sctp.init")
    scene.note(56.5, B, A, "sctp.init")
    scene.note(58, B, A, "sctp.cookie-ack")
    scene.note(59, B, A, "datachannel.open", {"label": "chat"})
    story.phases.append(Phase("sctp", 56 * MS, 58 * MS, Outcome.ESTABLISHED, 2))
    story.phases.append(Phase("channel", 59 * MS, 61 * MS, Outcome.ESTABLISHED, 1))
    call = scene.call()
    assert waited(call, "sctp") == "INIT of A in frame 17 and B in frame 18, COOKIE-ACK in frame 19"
    assert waited(call, "channel") == 'OPEN of "chat" of B in frame 20; its ACK took 2.00 ms'
    scene = healthy()
    story, _ = scene.story(A, B)
    scene.note(56, A, B, "sctp.init")
    story.phases.append(Phase("sctp", 56 * MS, 58 * MS, Outcome.UNANSWERED))
    assert waited(scene.call(), "sctp") == "INIT of A in frame 17, no COOKIE-ACK"


def test_a_channel_whose_open_and_ack_took_different_paths() -> None:
    scene = healthy()
    story, _ = scene.story(A, B)
    opened = {"stream": 1, "label": "chat", "opened_by": "initiator", "open_ns": 60 * MS, "ack_ns": None}
    story.facts["channels"] = [opened, {"stream": 3, "open_ns": None, "ack_ns": None}]
    scene.ice(70, (A6, B6))
    other, _ = scene.story(A6, B6)
    other.facts["channels"] = [{"stream": 1, "label": "chat", "open_ns": None, "ack_ns": 64 * MS}]
    assert steps(scene.call())["channel"] == (60, 64, "established")


def test_an_association_whose_handshake_was_signalled() -> None:
    def scene_with(answer: str) -> Scene:
        scene = Scene()
        scene.describe(0, 0, candidates=[candidate(A)], media={"sctp_init": "AQAA"})
        scene.describe(20, 1, candidates=[candidate(B)], media={"sctp_init": answer} if answer else {})
        scene.ice()
        scene.secure()
        scene.note(60, B, A, "sctp.data")
        return scene

    call = scene_with("AQBB").call()
    assert steps(call)["sctp"] == (60, 60, "established")
    assert waited(call, "sctp") == "no handshake: both INITs were signalled"
    assert "sctp" not in steps(scene_with("").call())


def test_media() -> None:
    scene = healthy()
    scene.note(900, A, B, "rtp.stream", {"first_ns": 70 * MS, "ssrc": 1})
    scene.note(901, B, A, "rtp.stream", {"first_ns": 80 * MS, "ssrc": 2})
    call = scene.call()
    assert steps(call)["first media"] == (55, 70, "established")
    assert waited(call, "first media") == "that of A in frame 17"


@pytest.mark.parametrize(
    ("ns", "said"), [(42_000, "0.042 ms"), (420_000, "0.42 ms"), (15_200_000, "15.2 ms"), (3_020_000_000, "3.02 s")]
)
def test_durations(ns: int, said: str) -> None:
    assert ms(ns) == said
