import pytest

from local.dashboard.canvas import columns_px, shortened

pytestmark = pytest.mark.unit


def test_columns_that_fit_have_the_width_of_their_longest_cell():
    assert columns_px([["a", "bbb"], ["aa", "b"]], 1_000, 10, 5) == [25, 35]


def test_the_widest_columns_give_way():
    cells = [["a" * 10, "b" * 50, "c" * 40]]

    widths = columns_px(cells, 700, 10, 0)

    assert widths == [100, 300, 300]


def test_a_long_text_ends_with_an_ellipsis():
    assert shortened("abcdef", 60, 10) == "abcdef"
    assert shortened("abcdef", 59, 10) == "abcd…"
