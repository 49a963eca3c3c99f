"""Media after a DTLS handshake: SRTP that its keys open, that they don't, and that one side never sends."""

from captures.maker import Capture, main
from captures.rtp import Call, Keys, bye, description, handshake, key_log, receiver_report, rtp, sender_report

ONE, OTHER = 0x1A2B3C4D, 0x5E6F7081


def healthy_srtp() -> Capture:
    """Both speak; the numbers of one of them roll over. SRTCP opens, too."""
    call = Call()
    handshake(call)
    keys = Keys(0), Keys(1)
    for index in range(100):
        seq = 65530 + index
        call.send(0.1 + 0.02 * index, 0, keys[0].media(rtp(seq, 160 * index, ONE), seq >> 16))
        call.send(0.105 + 0.02 * index, 1, keys[1].media(rtp(index, 160 * index, OTHER)))
    call.send(1.0, 0, keys[0].control(sender_report(ONE, 1.0, 8000, 50, 8000) + description(ONE, "ann")))
    call.send(1.1, 1, keys[1].control(receiver_report(OTHER) + description(OTHER, "bob")))
    call.send(2.2, 0, keys[0].control(receiver_report(ONE) + bye(ONE)))
    call.capture.sort()
    call.capture.keys = key_log()
    return call.capture


def auth_fail() -> Capture:
    """What the server sends is sealed with other keys than the handshake gives."""
    call = Call()
    handshake(call)
    keys = Keys(0)
    for index in range(60):
        call.send(0.1 + 0.02 * index, 0, keys.media(rtp(index, 160 * index, ONE)))
        call.send(0.105 + 0.02 * index, 1, rtp(index, 160 * index, OTHER, bytes(36)))
    call.capture.keys = key_log()
    return call.capture


def none_after_dtls() -> Capture:
    call = Call()
    handshake(call)
    keys = Keys(0)
    for index in range(300):
        call.send(0.1 + 0.02 * index, 0, keys.media(rtp(index, 160 * index, ONE)))
    return call.capture


CASES = {"healthy_srtp": healthy_srtp, "auth_fail": auth_fail, "none_after_dtls": none_after_dtls}

if __name__ == "__main__":
    main(__file__, CASES)
