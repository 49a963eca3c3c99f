"""The last segment of an answer is lost and sent again by a tail loss probe."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(ttl=(50, 64))
    talk.open(rtt_s=0.00002)
    talk.client(0.05, "PA", text(300))
    talk.server(0.05002)
    talk.server(0.06, "A", text(1460))
    talk.server(0.06001, "PA", text(640), lost=True)
    talk.client(0.08, ack=1461)
    talk.server(0.13, "PA", text(640), seq=1461)
    talk.client(0.15)
    talk.close(0.3)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
