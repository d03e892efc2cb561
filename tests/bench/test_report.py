"""The tables of docs/performance.md."""

from bench import report

FANOUT = ("fanout-closed", "fanout-steady", "fanout-room", "fanout-s2")
DOCUMENT = {
    "title": "S9: nothing happens",
    "rows": [{"": "Verbatim", "messages/s": 4000, "p99 ms": 1.25}, {"": "another", "messages/s": 2, "p99 ms": "–"}],
    "remarks": ["Verbatim / another: 2000."],
    "taken_at": "2026-11-22T20:00:00Z",
    "cpus": 2,
    "machine": "processor",
    "python": "3.13.0",
    "load_before": 0.1,
    "command": "python -m bench s9",
}


def test_a_table_says_when_and_where_it_was_measured() -> None:
    lines = report.markdown(DOCUMENT).splitlines()
    assert lines[2:6] == [
        "|  | messages/s | p99 ms |",
        "| :-- | --: | --: |",
        "| Verbatim | 4,000 | 1.2 |",
        "| another | 2 | – |",
    ]
    assert lines[-1] == (
        "*2026-11-22 20:00 UTC, 2 × processor, Python 3.13.0, load average before 0.1: `python -m bench s9`*"
    )


def test_a_block_is_replaced_and_the_rest_of_the_page_stays() -> None:
    page = f"before\n{report.BLOCK.format(name='s1', body='old')}\n{report.BLOCK.format(name='s10', body='ten')}\nafter"
    assert report.put(page, "s1", "new") == page.replace("old", "new")


def test_an_empty_block_is_filled_and_the_rest_of_the_page_stays() -> None:
    empty = "<!-- s1: written by `make performance` -->\n<!-- end of s1 -->"
    assert report.put(f"before\n{empty}\nafter", "s1", "new") == (
        f"before\n{report.BLOCK.format(name='s1', body='new')}\nafter"
    )


def test_the_page_has_a_block_for_every_benchmark_that_runs_by_default() -> None:
    page = report.PAGE.read_text()
    for name in ("s1", "s2", "h", *FANOUT, "appends-postgresql", "appends-sqlite", "size"):
        assert report.put(page, name, "figures") != page
