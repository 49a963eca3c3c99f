"""Captured with a snapshot length of 96 bytes, and the last record is cut."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(capture=Capture(snap_bytes=96, cut_end=30))
    talk.open()
    talk.client(0.03, "PA", text(300))
    talk.server(0.06, "PA", text(1200))
    talk.client(0.06002)
    talk.close(0.1)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
