"""The name does not exist."""

from captures.maker import CLIENT, SERVER, Capture, answer, main, question, udp


def build() -> Capture:
    capture = Capture()
    capture.add(0, udp(CLIENT, SERVER, (40_000, 53), question("nowhere.example")))
    capture.add(0.02, udp(SERVER, CLIENT, (53, 40_000), answer("nowhere.example", rcode=3)))
    return capture


if __name__ == "__main__":
    main(__file__, build)
