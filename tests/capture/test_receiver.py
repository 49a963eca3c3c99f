from analyzer.capture.receiver import BATCH_BYTES, BATCH_FRAMES, Frames


def test_frames_become_a_batch() -> None:
    frames = Frames()
    frames.clear(10)
    for number, data in enumerate((b"one", b"three")):
        frames.view[frames.stop : frames.stop + len(data)] = data
        frames.add(1_000 + number, len(data), len(data) + 100)
    batch = frames.batch(5, 276)
    assert (batch.first_frame, batch.count) == (5, 2)
    assert bytes(batch.data[:8]) == b"onethree"
    assert batch.time_ns.tolist() == [1_000, 1_001]
    assert batch.start.tolist() == [0, 3]
    assert batch.captured.tolist() == [3, 5]
    assert batch.length.tolist() == [103, 105]
    assert batch.interface.tolist() == [0, 0]
    assert batch.link.tolist() == [276, 276]


def test_full_by_number_and_by_bytes() -> None:
    frames = Frames()
    frames.clear(2)
    assert not frames.full
    frames.add(1, 60, 60)
    frames.add(1, 60, 60)
    assert frames.full
    frames.clear(1_000_000)
    assert not frames.full
    assert frames.room == BATCH_FRAMES
    frames.add(1, BATCH_BYTES, BATCH_BYTES)
    assert frames.full


def test_clear_forgets() -> None:
    frames = Frames()
    frames.clear(5)
    frames.add(1, 60, 60)
    frames.clear(5)
    assert frames.stop == 0
    assert frames.batch(1, 1).count == 0
