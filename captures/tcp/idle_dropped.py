"""After five silent minutes the server's data is not answered any more: a NAT forgot the connection."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(ttl=(50, 64))
    talk.open(rtt_s=0.00002)
    talk.client(0.05, "PA", text(300))
    talk.server(0.05002)
    talk.server(0.06, "PA", text(700))
    talk.client(0.08)
    for at in (300.0, 300.22, 300.66, 301.52, 303.25, 306.7):
        talk.server(at, "PA", text(400), seq=701, lost=True)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
