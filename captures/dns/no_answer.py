"""A query is sent three times, and no answer comes."""

from captures.maker import CLIENT, SERVER, Capture, main, question, udp


def build() -> Capture:
    capture = Capture()
    for at in (0, 5, 10):
        capture.add(at, udp(CLIENT, SERVER, (40_000, 53), question("example.org")))
    capture.add(15, udp(CLIENT, SERVER, (40_001, 53), question("example.net")))
    return capture


if __name__ == "__main__":
    main(__file__, build)
