"""A name and its address: nothing is wrong."""

from captures.maker import CLIENT, SERVER, Capture, answer, main, question, udp


def build() -> Capture:
    capture = Capture()
    capture.add(0, udp(CLIENT, SERVER, (40_000, 53), question("example.org")))
    capture.add(0.02, udp(SERVER, CLIENT, (53, 40_000), answer("example.org", "192.0.2.80")))
    return capture


if __name__ == "__main__":
    main(__file__, build)
