"""From runs to the JSON, the tables and the picture."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.aims import aims_table
from benchmarks.cases import AIO, BATCH, CONTENDERS, GROUPED, KURRENT, OURS, OURS_HTTP2, Case, Kind, all_cases
from benchmarks.chart import BARE_COLOUR, KURRENT_COLOUR, OURS_COLOUR, chart
from benchmarks.measurement import Measurement
from benchmarks.report import Comparison, as_json, conditions, read_json, write_json
from benchmarks.runner import rotated
from benchmarks.tables import comparison_tables, number, table

CASE = Case("append-64", "append, 64 callers", Kind.APPEND, 1000, 64)
MEASURED = {
    OURS: [Measurement(100, 200), Measurement(120, 240)],
    KURRENT: [Measurement(300, 500), Measurement(360, 600)],
    AIO: [Measurement(250, 400), Measurement(300, 480)],
    BATCH: [Measurement(90, 180), Measurement(108, 216)],
    GROUPED: [],
}
RUNS = {name: MEASURED.get(name, []) for name in CONTENDERS[Kind.APPEND]}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def result() -> dict[str, Any]:
    return as_json([Comparison.of(CASE, RUNS)], 2, "a server, version 1")


@pytest.fixture
def kept(result: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    write_json("bench", result, tmp_path)
    return read_json("bench", tmp_path)


def test_the_json_has_ratios_to_the_client_and_to_the_technique(kept: dict[str, Any]) -> None:
    """Ours is compared with kurrentdbclient, and with what is possible by bare means."""
    ours = kept["cases"][0]["rows"][0]
    assert ours["contender"] == OURS
    assert ours["cpu"] == {"median": 110.0, "low": 100.0, "high": 120.0}
    assert ours["gain"]["median"] == 3.0
    assert ours["speed_up"]["median"] == 2.5
    assert (ours["technique"], ours["nearness"]["median"]) == (BATCH, 0.9)


def test_what_the_server_does_not_have_is_left_out(kept: dict[str, Any]) -> None:
    """An old server has no AppendRecords: there is no row without a measurement."""
    assert [row["contender"] for row in kept["cases"][0]["rows"]] == [OURS, KURRENT, AIO, BATCH]


def test_the_json_tells_what_was_measured_on_what(kept: dict[str, Any]) -> None:
    """Versions, machine and server, so that figures can be compared at all."""
    assert kept["server"] == "a server, version 1"
    assert {"kurrentdbclient", "grpcio"} <= set(kept["versions"])
    assert "kurrentdbclient" in conditions(kept)


def test_the_table_has_a_row_a_contender(kept: dict[str, Any]) -> None:
    """Medians with their spread, and ratios."""
    text = comparison_tables(kept)
    assert f"| {OURS} | 110 (100–120) | 220 (200–240) | 3.00 | 0.90 |" in text
    assert text.count("\n| bare ") == 2


def test_the_aims_are_told_whether_reached_or_not(kept: dict[str, Any]) -> None:
    """Those of the cases and contenders that were measured."""
    kept["cases"][0]["rows"][0]["nearness"]["median"] = 0.79
    reached, missed = aims_table(kept).splitlines()[-2:]
    assert reached.endswith("CPU: kurrentdbclient ÷ this | 3.00 | 2.2 | reached |")
    assert missed.endswith("CPU: bare technique ÷ this | 0.79 | 0.8 | missed |")


def test_the_picture_has_bars_as_long_as_what_they_show(kept: dict[str, Any]) -> None:
    """The longest bar is the slowest contender, and the others are in proportion."""
    drawn = ET.fromstring(chart(kept))
    bars = list(drawn.iter(f"{SVG}rect"))
    widths = [float(bar.get("width", 0)) for bar in bars]
    assert [bar.get("fill") for bar in bars] == [OURS_COLOUR, KURRENT_COLOUR, BARE_COLOUR, BARE_COLOUR]
    assert widths[0] / widths[1] == pytest.approx(110 / 330, rel=0.01)
    assert max(widths) == widths[1]


def test_the_picture_can_be_read_out(kept: dict[str, Any]) -> None:
    """Its description says what its bars show."""
    described = ET.fromstring(chart(kept)).findtext(f"{SVG}desc", "")
    assert "fastapi_esdb 110 µs" in described


@pytest.mark.parametrize(("value", "text"), [(1234.5, "1,234"), (99.96, "100.0"), (12.34, "12.3"), (0.5, "0.50")])
def test_numbers_have_the_digits_that_count(value: float, text: str) -> None:
    """Three of them, about."""
    assert number(value) == text


def test_a_table_aligns_numbers_to_the_right() -> None:
    """All columns but the first."""
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | --: |\n| x | 1 |"


def test_the_order_goes_round() -> None:
    """Each contender is first in one round of as many, so that none has the best place for good."""
    assert [rotated("abc", by)[0] for by in range(4)] == ["a", "b", "c", "a"]
    assert sorted(rotated("abc", 5)) == ["a", "b", "c"]


def test_every_case_compares_ours_with_the_established_client() -> None:
    """And both with a bare technique at least."""
    for case in all_cases(50_000, 4_000):
        assert case.contenders[:3] == (OURS, OURS_HTTP2, KURRENT)
        assert any(name.startswith("bare") for name in case.contenders)
