"""`bench lanes`, as short as it can be."""

from livelens.bench import lanes


def test_every_question_gets_an_answer_in_both_lanes() -> None:
    settings = lanes.Settings(calls=3, busy_ms=2, seconds=0.3, repeats=1, sizes_px=((64, 48),))
    report = lanes.run(settings)
    asked = {(row["case"], row["lane"], row["workers"]) for row in report.rows}
    one = ("planes there 64x48", "array there 64x48", "planes there, array back 64x48")
    assert asked == {
        *((case, lane, 1) for case in (*one, "2 ms of Python") for lane in lanes.LANES),
        *(("2 ms of Python", lane, 2) for lane in lanes.LANES),
        ("an idle worker's memory", "process", 1),
    }
    for row in report.rows:
        figures = [row.get(name) for name in ("p50_ms", "fps", "mib") if row.get(name) is not None]
        assert len(figures) == 1
        assert row["lane"] == "thread" or all(float(str(each)) > 0 for each in figures)
    assert [bar.name for bar in report.bars] == ["two worker processes against one"]
