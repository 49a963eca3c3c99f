"""The path dies: the server sends the same segment six times, ever more slowly; nothing answers."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(ttl=(50, 64))
    talk.open(rtt_s=0.00002)
    talk.client(0.05, "PA", text(300))
    talk.server(0.05002)
    talk.server(0.06, "PA", text(700))
    talk.client(0.08)
    for at in (0.5, 0.72, 1.16, 2.02, 3.75, 7.2):
        talk.server(at, "PA", text(400), seq=701, lost=True)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
