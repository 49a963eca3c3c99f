"""No window scaling over a path of 180 ms."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(window=(64240, 65160))
    talk.open(rtt_s=0.18, answer=(("MSS", 1460), ("SAckOK", b"")))
    talk.client(0.2, "PA", text(300))
    talk.server(0.38, "PA", text(1200))
    talk.client(0.38002)
    talk.close(0.5, 0.18)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
