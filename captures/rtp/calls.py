"""Calls with RTP and RTCP on one port: one that is well, and what can be wrong with others."""

from captures.maker import Capture, main
from captures.rtp import (
    Call,
    block,
    bye,
    description,
    middle,
    one_byte_extension,
    receiver_report,
    rtcp,
    rtp,
    sender_report,
)

ONE, OTHER = 0x1A2B3C4D, 0x5E6F7081


def healthy() -> Capture:
    """Both speak for three seconds, report, and leave; one sends comfort noise in between."""
    call = Call()
    call.talk(0, 0.0, 150, ONE, first=65500)
    call.talk(1, 0.1, 70, OTHER)
    call.send(1.61, 1, rtp(70, 160 * 75, OTHER, b"\x40", kind=13))
    for index in range(71, 140):
        call.send(1.71 + 0.02 * (index - 71), 1, rtp(index, 160 * (80 + index - 71), OTHER, marker=index == 71))
    call.send(1.0, 0, sender_report(ONE, 1.0, 8000, 50, 8000) + description(ONE, "ann@example.org"))
    answer = receiver_report(OTHER, block(ONE, 65550, last=middle(1.0), since=int(0.2 * 65536)))
    call.send(1.24, 1, answer + description(OTHER, "bob@example.org"))
    call.send(3.1, 0, receiver_report(ONE, block(OTHER, 139)) + bye(ONE, "hung up"))
    call.send(3.12, 1, receiver_report(OTHER) + bye(OTHER))
    call.capture.sort()
    return call.capture


def video() -> Capture:
    """A picture with header extensions, another that is sent again (RTX), and the feedback of a browser."""
    call = Call()
    for index in range(120):
        stamp, last = 3000 * (index // 3), index % 3 == 2
        more = one_byte_extension((2, b"\1\2\3"), (5, index.to_bytes(2, "big")))
        packet = rtp(100 + index, stamp, ONE, bytes(200), kind=96, marker=last, extension=more)
        call.send(0.0333 * (index // 3) + 0.0001 * (index % 3), 0, packet)
        if index % 10 == 9:
            again = rtp(7 + index // 10, stamp, ONE + 1, bytes(202), kind=97, extension=more)
            call.send(0.0333 * (index // 3) + 0.01, 0, again)
    pair = OTHER.to_bytes(4, "big") + ONE.to_bytes(4, "big")
    call.send(0.30, 1, rtcp(205, 1, pair + bytes.fromhex("006d0005")))
    call.send(0.31, 1, rtcp(206, 1, pair))
    call.send(0.32, 1, rtcp(206, 4, pair[:4] + bytes(4) + ONE.to_bytes(4, "big") + bytes.fromhex("01000000")))
    estimate = b"REMB" + bytes.fromhex("010e2710") + ONE.to_bytes(4, "big")
    call.send(0.33, 1, rtcp(206, 15, pair[:4] + bytes(4) + estimate))
    call.send(0.34, 1, rtcp(205, 15, pair + bytes.fromhex("0010000700000a01 2005 d010 04040404 04040400")))
    call.send(0.35, 1, rtcp(205, 3, pair[:4] + bytes(4) + ONE.to_bytes(4, "big") + bytes.fromhex("0e03e828")))
    extended = pair[:4] + bytes.fromhex("04000002") + bytes(8) + bytes.fromhex("2a000001") + bytes(4)
    call.send(0.36, 1, rtcp(207, 0, extended) + rtcp(204, 3, pair[:4] + b"test" + bytes(8)))
    call.capture.sort()
    return call.capture


def loss() -> Capture:
    """One packet in ten does not come."""
    call = Call()
    for index in range(200):
        if index % 10 != 5:
            call.send(0.02 * index, 0, rtp(index, 160 * index, ONE))
        call.send(0.02 * index + 0.001, 1, rtp(index, 160 * index, OTHER))
    return call.capture


def gap() -> Capture:
    """One and a half seconds are missing of what one side says."""
    call = Call()
    call.talk(0, 0.0, 400, ONE, without=range(200, 275))
    call.talk(1, 0.01, 400, OTHER)
    call.capture.sort()
    return call.capture


def one_way() -> Capture:
    call = Call()
    call.talk(0, 0.0, 300, ONE)
    return call.capture


def ssrc_collision() -> Capture:
    call = Call()
    call.talk(0, 0.0, 50, ONE)
    call.talk(1, 0.01, 50, ONE, first=7000)
    call.capture.sort()
    return call.capture


def no_feedback() -> Capture:
    """Both speak for 13 seconds, and one of them never reports."""
    call = Call()
    call.talk(0, 0.0, 130, ONE, ms=100)
    call.talk(1, 0.01, 130, OTHER, ms=100)
    for at_s in (1, 5, 9):
        report = sender_report(ONE, at_s, 8000 * at_s, 10 * at_s, 1000 * at_s, block(OTHER, 10 * at_s))
        call.send(at_s + 0.005, 0, report)
    call.capture.sort()
    return call.capture


def reported_loss() -> Capture:
    """Nothing is missing here, and the receiver says that a fifth did not come."""
    call = Call()
    call.talk(0, 0.0, 200, ONE)
    call.talk(1, 0.01, 200, OTHER)
    for count, at_s in enumerate((1, 2, 3), 1):
        report = receiver_report(OTHER, block(ONE, 50 * at_s, fraction=51 if count > 1 else 0, lost=50 * (count - 1)))
        call.send(at_s + 0.005, 1, report)
        theirs = sender_report(ONE, at_s, 8000 * at_s, 50 * at_s, 1000 * at_s, block(OTHER, 50 * at_s))
        call.send(at_s + 0.006, 0, theirs)
    call.capture.sort()
    return call.capture


CASES = {
    "healthy": healthy,
    "healthy_video": video,
    "loss": loss,
    "gap": gap,
    "one_way": one_way,
    "ssrc_collision": ssrc_collision,
    "no_feedback": no_feedback,
    "reported_loss": reported_loss,
}

if __name__ == "__main__":
    main(__file__, CASES)
