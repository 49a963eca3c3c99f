"""Associations of which nothing is wrong, on IP and in UDP."""

from captures.maker import Capture, main, text
from captures.sctp import (
    BEGINNING,
    ENDING,
    HEARTBEAT,
    HEARTBEAT_ACK,
    I_DATA,
    RE_CONFIG,
    Association,
    chunk,
    data,
    forward_tsn,
    i_data,
    outgoing_reset,
    parameter,
    reset_answer,
    sack,
    supported,
)


def healthy() -> Capture:
    """M3UA on IP: four-way handshake, messages in one part and in three, heartbeats, the orderly end."""
    ends = Association(ports=(2905, 2906))
    ends.open()
    ends.send(0.05, 0, data(1000, text(40), ppid=3))
    ends.send(0.07, 1, sack(1000), data(7000, text(24), ppid=3))
    ends.send(0.071, 0, sack(7000))
    ends.send(0.1, 0, data(1001, text(1400), stream=1, ppid=3, flags=BEGINNING))
    ends.send(0.1001, 0, data(1002, text(1400), stream=1, ppid=3, flags=0))
    ends.send(0.1002, 0, data(1003, text(200), stream=1, ppid=3, flags=ENDING))
    ends.send(0.12, 1, sack(1003))
    ends.send(5.0, 0, chunk(HEARTBEAT, parameter(1, bytes(8))))
    ends.send(5.02, 1, chunk(HEARTBEAT_ACK, parameter(1, bytes(8))))
    ends.close(6.0, last=7000)
    return ends.capture


def healthy_interleaved() -> Capture:
    """I-DATA in UDP: a small message goes between the parts of a large one."""
    ends = Association(in_udp=True)
    ends.open(0.0, supported(I_DATA))
    ends.send(0.05, 0, i_data(1000, text(1000), stream=1, flags=BEGINNING, ppid=46))
    ends.send(0.051, 0, i_data(1001, text(16), stream=2, ppid=46))
    ends.send(0.052, 0, i_data(1002, text(1000), stream=1, fsn=1, flags=0))
    ends.send(0.053, 0, i_data(1003, text(100), stream=1, fsn=2, flags=ENDING))
    ends.send(0.073, 1, sack(1003))
    ends.close(1.0, 1, last=1003)
    return ends.capture


def healthy_loss() -> Capture:
    """The second of four chunks is lost behind the capture: the receiver tells of the gap, it is sent again."""
    ends = Association()
    ends.open()
    for number in range(4):
        ends.send(0.05 + number / 1000, 0, data(1000 + number, text(100), ssn=number))
    ends.send(0.07, 1, sack(1000))
    ends.send(0.072, 1, sack(1000, (2, 2)))
    ends.send(0.073, 1, sack(1000, (2, 3)))
    ends.send(0.08, 0, data(1001, text(100), ssn=1))
    ends.send(0.1, 1, sack(1003))
    ends.close(1.0, last=6999)
    return ends.capture


def healthy_reset() -> Capture:
    """Streams are reset, one after the other side could not do it at once, and two are added."""
    ends = Association()
    ends.open(0.0, supported(RE_CONFIG))
    ends.send(0.05, 0, data(1000, text(40), stream=3))
    ends.send(0.07, 1, sack(1000))
    ends.send(0.1, 0, outgoing_reset(1000, 3, last=1000))
    ends.send(0.12, 1, reset_answer(1000, 6))
    ends.send(0.14, 0, outgoing_reset(1000, 3, last=1000))
    ends.send(0.16, 1, reset_answer(1000))
    ends.send(0.2, 1, chunk(RE_CONFIG, parameter(17, b"\0\0\x1b\x58\0\2\0\0")))
    ends.send(0.22, 0, reset_answer(7000))
    ends.close(1.0, last=6999)
    return ends.capture


def healthy_forward_tsn() -> Capture:
    """A message that may be lost is lost: the sender gives it up, and the receiver goes on."""
    ends = Association()
    ends.open(0.0, parameter(0xC000))
    ends.send(0.05, 0, data(1000, text(40), stream=2))
    ends.send(0.052, 0, data(1002, text(40), stream=2, ssn=2))
    ends.send(0.072, 1, sack(1000, (2, 2)))
    ends.send(0.1, 0, forward_tsn(1001, (2, 1)))
    ends.send(0.12, 1, sack(1002))
    ends.close(1.0, last=6999)
    return ends.capture


CASES = {
    "healthy": healthy,
    "healthy_interleaved": healthy_interleaved,
    "healthy_loss": healthy_loss,
    "healthy_reset": healthy_reset,
    "healthy_forward_tsn": healthy_forward_tsn,
}

if __name__ == "__main__":
    main(__file__, CASES)
