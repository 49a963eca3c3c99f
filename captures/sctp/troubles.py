"""Associations that do not come about, and those that end in another way than they should."""

import struct

from captures.maker import Capture, main, text
from captures.sctp import (
    ABORT,
    COOKIE,
    COOKIE_ACK,
    COOKIE_ECHO,
    ERROR,
    FORWARD_TSN,
    Association,
    cause,
    chunk,
    data,
    forward_tsn,
    init,
    init_ack,
    sack,
)


def init_unanswered() -> Capture:
    """INIT, again after 1 and 3 seconds, and nobody answers."""
    ends = Association()
    for at in (0.0, 1.0, 3.0):
        ends.send(at, 0, init(), tag=0)
    return ends.capture


def stale_cookie() -> Capture:
    """The COOKIE ECHO is held up for 70 seconds."""
    ends = Association()
    ends.send(0.0, 0, init(), tag=0)
    ends.send(0.02, 1, init_ack())
    ends.send(70.0, 0, chunk(COOKIE_ECHO, COOKIE))
    ends.send(70.02, 1, chunk(ERROR, cause(3, struct.pack(">I", 9_980_000))))
    return ends.capture


def abort() -> Capture:
    """The server has no room for another association."""
    ends = Association()
    ends.send(0.0, 0, init(), tag=0)
    ends.send(0.02, 1, chunk(ABORT, cause(4)))
    return ends.capture


def abort_violation() -> Capture:
    """An association stands, and one side ends it since the other broke the protocol."""
    ends = Association()
    ends.open()
    ends.send(0.05, 0, data(1000, text(40)))
    ends.send(0.07, 1, sack(1005))
    ends.send(0.071, 0, chunk(ABORT, cause(13, b"acknowledged what was never sent")))
    return ends.capture


def user_abort() -> Capture:
    ends = Association(in_udp=True)
    ends.open()
    ends.send(0.05, 0, data(1000, text(40)))
    ends.send(0.07, 1, sack(1000))
    ends.send(1.0, 0, chunk(ABORT, cause(12, b"Close called")))
    return ends.capture


def bad_checksum() -> Capture:
    """The chunks of one side have a checksum that nobody worked out."""
    ends = Association()
    ends.open()
    for number in range(3):
        ends.send(0.05 + number, 0, data(1000 + number, text(40), ssn=number), checksum=0x0BADF00D)
    return ends.capture


def bad_vtag() -> Capture:
    """A packet that belongs to an association of before."""
    ends = Association()
    ends.open()
    ends.send(0.05, 0, data(1000, text(40)))
    ends.send(0.07, 1, sack(1000))
    ends.send(0.1, 1, data(3000, text(40)), tag=0x0DDBA115)
    ends.close(1.0, last=6999)
    return ends.capture


def init_collision() -> Capture:
    """Both sides ask at once; one association comes of it."""
    ends = Association(in_udp=True)
    ends.send(0.0, 0, init(), tag=0)
    ends.send(0.001, 1, init(1), tag=0)
    ends.send(0.002, 0, init_ack(0))
    ends.send(0.02, 1, init_ack(1))
    ends.send(0.021, 0, chunk(COOKIE_ECHO, COOKIE))
    ends.send(0.04, 1, chunk(COOKIE_ACK), data(7000, text(40)))
    ends.send(0.041, 0, sack(7000))
    ends.close(1.0, last=7000)
    return ends.capture


def peer_failed() -> Capture:
    """The other side is gone: the same chunk seven times, each time after twice as long."""
    ends = Association()
    ends.open()
    ends.send(0.05, 0, data(1000, text(40)))
    ends.send(0.07, 1, sack(1000))
    for number in range(7):
        ends.send(1.0 + (1 << number) - 1, 0, data(1001, text(40), ssn=1))
    return ends.capture


def rwnd_zero() -> Capture:
    """The receiver's application does not read; two seconds later it does."""
    ends = Association()
    ends.open()
    ends.send(0.05, 0, data(1000, text(1400)))
    ends.send(0.07, 1, sack(1000, window=0))
    ends.send(2.0, 1, sack(1000))
    ends.send(2.02, 0, data(1001, text(1400), ssn=1))
    ends.send(2.04, 1, sack(1001))
    ends.close(3.0, last=6999)
    return ends.capture


def stream_out_of_range() -> Capture:
    """Data on stream 2000 where 1024 were agreed on."""
    ends = Association()
    ends.open()
    ends.send(0.05, 0, data(1000, text(40), stream=2000))
    ends.send(0.07, 1, sack(1000), chunk(ERROR, cause(1, struct.pack(">HH", 2000, 0))))
    ends.close(1.0, last=6999)
    return ends.capture


def unsupported_chunk() -> Capture:
    """A FORWARD-TSN to a side that never said that it knows it."""
    ends = Association()
    ends.open()
    ends.send(0.05, 0, data(1000, text(40)))
    ends.send(0.07, 1, sack(1000))
    ends.send(0.1, 0, forward_tsn(1001, (0, 1)))
    ends.send(0.12, 1, chunk(ERROR, cause(6, struct.pack(">BBHI", FORWARD_TSN, 0, 8, 1001))))
    ends.close(1.0, last=6999)
    return ends.capture


CASES = {
    "init_unanswered": init_unanswered,
    "stale_cookie": stale_cookie,
    "abort": abort,
    "abort_violation": abort_violation,
    "user_abort": user_abort,
    "bad_checksum": bad_checksum,
    "bad_vtag": bad_vtag,
    "init_collision": init_collision,
    "peer_failed": peer_failed,
    "rwnd_zero": rwnd_zero,
    "stream_out_of_range": stream_out_of_range,
    "unsupported_chunk": unsupported_chunk,
}

if __name__ == "__main__":
    main(__file__, CASES)
