import numpy as np

from analyzer.decode.columns import COLUMNS, Columns


def test_every_column_has_its_type_and_room() -> None:
    columns = Columns(10)
    for name, kind, _ in COLUMNS:
        column = getattr(columns, name)
        assert column.dtype == np.dtype(kind)
        assert len(column) == 10
    assert columns.count == 0
    assert columns.side == {}


def test_room_grows_and_is_used_again() -> None:
    columns = Columns(10)
    before = columns.flow
    columns.reserve(5)
    assert columns.flow is before
    columns.reserve(11)
    assert columns.capacity == len(columns.flow) == len(columns.sack_stop) == 11
