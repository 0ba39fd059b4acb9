"""Charts as numbers: nothing leaves its frame, and the scale has round numbers."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from adept.records.overview import Day
from adept.web.ui.charts import HEIGHT, TOP, WIDTH, day_bars, nice_above

DAY = datetime(2026, 11, 20, tzinfo=UTC)
counts = st.integers(min_value=0, max_value=10**7)


@given(st.lists(st.tuples(counts, counts, counts), max_size=30))
def test_every_bar_stands_in_the_frame(told):
    chart = day_bars([Day(DAY, *one) for one in told])
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.2
        assert TOP - 0.2 <= bar.gone_y <= bar.found_y <= chart.foot + 0.2 < HEIGHT
    assert [line.value for line in chart.lines] == sorted({line.value for line in chart.lines})


def test_a_scale_ends_at_a_round_number_that_halves_well():
    assert [nice_above(value) for value in (0, 1, 2, 3, 5, 11, 21, 99, 1001)] == [2, 2, 2, 4, 10, 20, 40, 100, 2000]
