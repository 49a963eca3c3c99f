"""Small segments pass, the server's first full-size one is sent again and again; no ICMP."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(ttl=(50, 64))
    talk.open(rtt_s=0.00002)
    talk.client(0.05, "PA", text(300))
    talk.server(0.05002)
    for at in (0.06, 0.27, 0.69, 1.52, 3.2, 6.5):
        talk.server(at, "A", text(1460), seq=1, lost=True)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
