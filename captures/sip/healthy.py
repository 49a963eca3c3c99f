"""A telephone call over UDP: INVITE, answer, voice both ways with the addresses of the descriptions, BYE."""

from captures.maker import CLIENT, SERVER, Capture, main, udp
from captures.rtp import rtp
from captures.sip import description, request, response

MEDIA = (40_000, 42_000)
PCMA = 8


def build() -> Capture:
    capture = Capture()

    def say(at_s: float, side: int, data: bytes) -> None:
        ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
        capture.add(at_s, udp(*ends, (5060, 5060), data))

    say(0.0, 0, request("INVITE", body=description(CLIENT, MEDIA[0])))
    say(0.02, 1, response(100, "Trying"))
    say(0.2, 1, response(180, "Ringing"))
    say(2.0, 1, response(200, "OK", body=description(SERVER, MEDIA[1])))
    say(2.02, 0, request("ACK"))
    for index in range(100):
        for side in (0, 1):
            ends = (CLIENT, SERVER) if side == 0 else (SERVER, CLIENT)
            packet = rtp(index, 160 * index, 0xA0 + side, b"\xd5" * 160, kind=PCMA)
            capture.add(2.05 + index / 50 + side / 200, udp(*ends, (MEDIA[side], MEDIA[1 - side]), packet))
    say(4.2, 0, request("BYE", number=2, branch="z9hG4bK2"))
    say(4.22, 1, response(200, "OK", number=2, method="BYE"))
    capture.sort()
    return capture


if __name__ == "__main__":
    main(__file__, build)
