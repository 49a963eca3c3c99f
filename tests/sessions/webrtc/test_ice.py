"""Verdicts on the checks of a call as a whole."""

from __future__ import annotations

from analyzer.core import Endpoint, Outcome, Severity
from tests.sessions.webrtc.made import A6, B6, MS, A, B, Scene, candidate, healthy

RELAYED = Endpoint("203.0.113.30", 49_152)


def test_nothing_is_said_of_a_call_that_works() -> None:
    assert healthy().codes() == []


# --- all failed -------------------------------------------------------------------------------------------------------


def silent(*, agreed: bool = True, both: bool = False, every: float = 1000, number: int = 12) -> Scene:
    scene = Scene()
    if agreed:
        scene.describe(0, 0, candidates=[candidate(A), candidate(A6)])
        scene.describe(1, 0, candidates=[candidate(A), candidate(A6)], socket=1, received=True)
        scene.describe(20, 1, candidates=[candidate(B), candidate(B6)])
        scene.describe(21, 1, candidates=[candidate(B), candidate(B6)], socket=0, received=True)
    for at in range(number):
        for ends in ((A, B), (A6, B6)):
            scene.check(30 + at * every, 0, ends, answer=False)
            if both:
                scene.check(40 + at * every, 1, ends, answer=False)
    return scene


def test_no_answer_to_any_check() -> None:
    scene = silent()
    scene.say(30, 0, (A, B), "stun.no-response")
    (verdict,) = scene.told()[1]
    assert verdict.code == "ice.all-checks-failed"
    assert verdict.severity is Severity.ERROR
    assert "A sent 24 connectivity checks in 11.0 s, and got no answer to any" in verdict.text
    rows = verdict.text.split("\n")[1:4]
    assert rows[1].split() == [
        "A",
        "10.0.0.1:1000",
        ">",
        "10.0.0.2:2000",
        "host/host",
        "12",
        "0",
        "0.030",
        "s",
        "11.030",
        "s",
    ]
    assert "Offer and answer had arrived (frame 2 and frame 4). B sent no check of its own." in verdict.text
    assert "All candidates that were offered were tried." in verdict.text
    assert verdict.cause.startswith("A firewall drops UDP at B, in both directions for IPv4 and IPv6")
    assert "signalling (complete after 21.0 ms)" in verdict.cause
    assert "none was offered: there is no relayed candidate" in verdict.advice
    call = scene.call()
    assert call.outcome is Outcome.FAILED
    assert call.title == "A 10.0.0.1, 2001:db8::1 <-> B 10.0.0.2, 2001:db8::2, no path for media or data"
    assert call.facts["pairs"][0]["state"] == "failed"
    assert call.facts["pairs"][0]["why"] == "no answer, and no check of B came here"


def test_no_answer_in_either_direction_and_no_signalling() -> None:
    scene = silent(agreed=False, both=True)
    verdict = scene.verdict("ice.all-checks-failed")
    assert "A sent 24 connectivity checks and B sent 24 connectivity checks" in verdict.text
    assert "both ends sent checks, and none of them was answered" in verdict.cause
    assert scene.call().outcome is Outcome.UNANSWERED


def test_what_was_offered_and_not_tried_is_told() -> None:
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A), candidate(RELAYED, "relay", A)])
    scene.describe(20, 1, candidates=[candidate(B)])
    for at in range(12):
        scene.check(30 + at * 1000, 0, answer=False)
    verdict = scene.verdict("ice.all-checks-failed")
    assert f"Offered and not seen in any check: relay {RELAYED} of A." in verdict.text
    assert "there is no relayed candidate" not in verdict.advice


def test_checks_that_are_refused() -> None:
    scene = Scene()
    for at in range(12):
        scene.check(30 + at * 1000, 0, error=401)
    verdict = scene.verdict("ice.all-checks-failed")
    assert "none was answered with success" in verdict.text
    assert "user name or password" in verdict.cause
    assert scene.call().facts["pairs"][0]["why"] == "refused with 401"


def test_too_early_to_call_it_failed() -> None:
    assert silent(number=3).codes() == []
    scene = Scene()
    scene.check(0, 0, answer=False)
    assert scene.codes() == []
    assert scene.call().outcome is Outcome.OPEN


# --- consent ----------------------------------------------------------------------------------------------------------


def test_the_peer_stops_answering() -> None:
    scene = healthy()
    for at in range(14):
        scene.check(1000 + 2500 * at, 0, answer=False)
    scene.say(1000, 0, (A, B), "ice.consent-lost")
    verdict = scene.verdict("ice.consent-lost")
    assert "B stopped answering: 14 checks of A" in verdict.text
    assert "Consent has expired" in verdict.text
    assert scene.call().outcome is Outcome.ESTABLISHED


def test_a_path_that_goes_on_beside_is_no_loss() -> None:
    scene = healthy()
    for at in range(14):
        scene.check(1000 + 2500 * at, 0, answer=False)
        scene.check(1001 + 2500 * at, 0, (A6, B6))
    assert "ice.consent-lost" not in scene.codes()


def test_an_end_of_some_checks_without_answer_is_no_loss() -> None:
    scene = healthy()
    for at in range(4):
        scene.check(1000 + 500 * at, 0, answer=False)
    assert scene.codes() == []


# --- roles ------------------------------------------------------------------------------------------------------------


def test_nobody_gives_in() -> None:
    scene = Scene()
    for at in range(10):
        scene.check(at * 1000, 0, error=487)
        scene.check(at * 1000 + 100, 1, error=487, role="controlling")
    (verdict,) = scene.told()[1]
    assert (verdict.code, verdict.severity) == ("ice.role-conflict", Severity.ERROR)
    assert "Both sides say that they are controlling" in verdict.text


def test_one_gives_in() -> None:
    scene = Scene()
    scene.check(0, 1, error=487, role="controlling")
    scene.ice(10)
    scene.secure()
    (verdict,) = scene.told()[1]
    assert (verdict.code, verdict.severity) == ("ice.role-conflict", Severity.NOTICE)
    assert "its sender switched" in verdict.text


def test_a_conflict_and_no_success() -> None:
    scene = Scene()
    scene.check(0, 1, error=487, role="controlling")
    scene.check(10, 0, answer=False)
    scene.check(20, 1, answer=False)
    assert scene.verdict("ice.role-conflict").text.endswith("and none succeeded.")


# --- ways -------------------------------------------------------------------------------------------------------------


def test_an_answer_from_elsewhere() -> None:
    scene = Scene()
    scene.check(0, 1)
    for at in (10, 20):
        scene.check(at, 0, answered_from=Endpoint("10.0.0.3", 2000))
    verdict = scene.verdict("ice.response-asymmetric")
    assert verdict.text == (
        "The check to 10.0.0.2:2000 (frame 3) was answered from 10.0.0.3:2000 (frame 4), and 1 more likewise."
    )
    assert verdict.severity is Severity.WARNING


def test_one_way_without_a_check_back() -> None:
    scene = Scene()
    for at in range(6):
        scene.check(at * 1000, 0)
    assert scene.codes() == ["ice.one-way"]
    assert "B sent none of its own" in scene.verdict("ice.one-way").text


def test_one_way_with_checks_that_are_not_answered() -> None:
    scene = Scene()
    for at in range(6):
        scene.check(at * 1000, 0)
        scene.check(at * 1000 + 100, 1, answer=False)
    assert "of B's own 6 the other way none is" in scene.verdict("ice.one-way").text


def test_a_lite_agent_sends_no_checks() -> None:
    scene = Scene()
    scene.describe(0, 0)
    scene.describe(20, 1, lite=True)
    for at in range(6):
        scene.check(30 + at * 1000, 0)
    assert scene.codes() == ["ice.valid-never-nominated"]


def test_never_nominated() -> None:
    scene = Scene()
    for at in range(6):
        scene.check(at * 1000, 0, role="controlled")
        scene.check(at * 1000 + 100, 1)
    verdict = scene.verdict("ice.valid-never-nominated")
    assert "nobody controls" in verdict.text
    assert scene.call().outcome is Outcome.OPEN


# --- descriptions -----------------------------------------------------------------------------------------------------


def test_both_lite() -> None:
    scene = Scene()
    scene.describe(0, 0, lite=True)
    scene.describe(20, 1, lite=True)
    scene.secure()
    assert scene.codes() == ["ice.both-lite"]


def test_a_default_address_that_is_no_candidate() -> None:
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A)], default=Endpoint("203.0.113.99", 20_000))
    scene.describe(20, 1, candidates=[candidate(B)], default=B)
    scene.ice()
    verdict = scene.verdict("ice.mismatch")
    assert "203.0.113.99:20000 as its default address; its candidates are 10.0.0.1:1000" in verdict.text


def test_a_placeholder_is_no_default_address() -> None:
    for end in (Endpoint("0.0.0.0", 9), Endpoint("10.0.0.9", 9), Endpoint("127.0.0.1", 5000)):
        scene = Scene()
        scene.describe(0, 0, candidates=[candidate(A)], default=end)
        scene.describe(20, 1)
        scene.ice()
        assert scene.codes() == []


# --- what changes -----------------------------------------------------------------------------------------------------


def restarted(*, done: bool) -> Scene:
    scene = healthy()
    ends = (Endpoint(A.address, 1001), Endpoint(B.address, 2001))
    scene.describe(1000, 0, ufrag="anew")
    scene.describe(1010, 1, ufrag="bnew")
    if done:
        scene.ice(1020, ends, ufrags=("anew", "bnew"))
    else:
        scene.check(1020, 0, ends, ufrags=("anew", "bnew"), answer=False)
    return scene


def test_a_restart() -> None:
    verdict = restarted(done=True).verdict("ice.restart")
    assert "the new path was nominated 32.0 ms later" in verdict.text
    assert verdict.severity is Severity.INFO
    assert "no pair of the new ones was nominated" in restarted(done=False).verdict("ice.restart").text


def test_the_candidate_that_won_came_late() -> None:
    inside = Endpoint("10.99.0.1", 2000)
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A)])
    scene.describe(20, 1)
    scene.trickle(25, 1, candidate(inside))
    scene.check(30, 0, (A, inside), answer=False)
    scene.trickle(2000, 1, candidate(B, "srflx", inside))
    scene.ice(2010)
    scene.secure(2050)
    verdict = scene.verdict("ice.late-trickle")
    assert "10.0.0.2:2000 of B, of the pair that won, was signalled 1.97 s after checks had begun" in verdict.text
    assert [step.name for step in scene.call().phases][:2] == ["signalling", "gathering"]


def test_a_late_candidate_that_was_not_needed() -> None:
    scene = healthy()
    scene.trickle(2000, 1, candidate(B6))
    scene.ice(2010, (A6, B6))
    scene.data(2100, 0, (A6, B6), size=1_000_000)
    assert "ice.late-trickle" not in scene.codes()


def test_a_call_moves_to_the_relay() -> None:
    scene = Scene()
    scene.describe(0, 0, candidates=[candidate(A), candidate(RELAYED, "relay", A)])
    scene.describe(20, 1, candidates=[candidate(B)])
    scene.ice()
    scene.secure()
    for at in range(5):
        scene.check(3000 + at * 500, 0, answer=False)
    scene.check(6000, 0, (RELAYED, B), nominate=True)
    scene.data(6010, 0, (RELAYED, B), size=10_000)
    verdict = scene.verdict("ice.switched-path")
    assert (verdict.severity, "(direct) to 203.0.113.30:49152" in verdict.text) == (Severity.NOTICE, True)
    assert verdict.text.endswith("The first path had stopped answering.")
    assert scene.call().facts["selected_pair"]["types"] == ["relay", "host"]


def test_a_move_between_paths_that_both_work_is_told_quietly() -> None:
    scene = healthy()
    scene.check(6000, 0, (A6, B6), nominate=True)
    scene.data(6010, 0, (A6, B6), size=10_000)
    assert scene.verdict("ice.switched-path").severity is Severity.INFO


def test_a_few_last_bytes_on_another_pair_are_no_move() -> None:
    scene = healthy()
    scene.data(70, size=10_000)
    scene.check(6000, 0, (A6, B6), nominate=True)
    scene.data(6010, 0, (A6, B6), size=19)
    assert scene.codes() == []
    assert scene.call().facts["selected_pair"]["a"] == str(A)


def test_times_of_the_session_begin_with_signalling() -> None:
    call = healthy().call()
    assert (call.start_ns, call.notes[0].kind) == (0, "sdp.offer")
    assert [(phase.name, (phase.end_ns - phase.start_ns) // MS) for phase in call.phases] == [
        ("signalling", 21),
        ("checks", 2),
        ("nomination", 2),
        ("dtls", 5),
    ]
