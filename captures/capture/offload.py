"""Segments of 20,000 bytes, as the sender's card gets them to cut."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(ttl=(50, 64))
    talk.open(rtt_s=0.00002)
    talk.client(0.05, "PA", text(300))
    talk.server(0.05002)
    talk.server(0.06, "A", text(20_000))
    talk.server(0.061, "PA", text(20_000))
    talk.client(0.08)
    talk.close(0.2)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
