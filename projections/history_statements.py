"""The statements that read pages of history. Each page is one statement, so that its parts are of one snapshot.

A page's rows are: the room's head, the head that the log knows, the checkpoint, whether the room is parked, whether
there are messages on the side that was not asked for, the pivot's seq, and of one message its seq and its item (NULL in
an empty page). A page of the past goes on with the item as it was at that moment, without its text (NULL where nothing
has changed since), the text that it had (NULL where it was not edited since), the room's title and topic then, and the
moment's seq.
"""

from functools import cache
from typing import Literal

from commands.subscription import HEAD_IN_SQL

type Kind = Literal["before", "after", "around", "at"]
type Among = Literal["room", "thread", "message"]
"""A page of all of a room, of a thread, or of a message without one."""
type Past = Literal["as_of", "as_of_time"]
"""What names a moment of the past: a seq, or a time."""

_PAGE = """
SELECT h.head_seq, {log_head}, c.position, p.room IS NOT NULL, {others}, {pivot}, i.seq, i.item{past}
FROM checkpoint c
LEFT JOIN history_room h ON h.room = :room
LEFT JOIN parked_room p ON p.projection = 'history' AND p.room = :room
LEFT JOIN ({lines}) i ON TRUE
WHERE c.projection = 'history' AND c.partition = 0
"""
# A message without a thread is named by its seq: whatever else is asked of the seq, one row is all there is to look at.
_AMONG: dict[Among, str] = {"room": "", "thread": " AND thread = :thread", "message": " AND seq = :thread"}
# A room's time never runs backwards: of a thread, too, what was there at a time is what has a seq up to this one.
_AT = """
(SELECT {} FROM history_item WHERE room = :room AND room_time <= :at ORDER BY room_time DESC, seq DESC LIMIT 1)
"""
# From the middle outwards, the older first, and one more on each side than `cut` may take: of twice as many, half would
# have been read for nothing.
_BOTH = """
SELECT seq, item FROM (
    SELECT seq, item, row_number() OVER (ORDER BY seq DESC) AS place, 0 AS side FROM ({}) older
    UNION ALL
    SELECT seq, item, row_number() OVER (ORDER BY seq) + 1, 1 FROM ({}) newer
) outwards ORDER BY place, side LIMIT :limit + 1
"""
_THEN = """
(SELECT o.{0} FROM history_{1} o WHERE o.room = :room AND o.seq = i.seq AND o.until_seq > {{0}}
ORDER BY o.until_seq LIMIT 1)
"""
_NAME = """
(SELECT t.text FROM history_title t WHERE t.room = :room AND t.what = '{0}' AND t.seq <= {{0}}
ORDER BY t.seq DESC LIMIT 1)
"""
_PAST = f""",
{_THEN.format("item", "past")}, {_THEN.format("text", "text")}, {_NAME.format("title")}, {_NAME.format("topic")}, {{0}}
"""
# The last seq that made a page of the room look as it did at a time.
_MOMENT = """
WITH moment (seq) AS (SELECT COALESCE(max(seq), 0) FROM (
    SELECT * FROM (SELECT seq FROM history_item WHERE room = :room AND room_time <= :as_of_time
        ORDER BY room_time DESC, seq DESC LIMIT 1) posted
    UNION ALL
    SELECT * FROM (SELECT until_seq FROM history_past WHERE room = :room AND until_time <= :as_of_time
        ORDER BY until_time DESC, until_seq DESC LIMIT 1) changed
    UNION ALL
    SELECT * FROM (SELECT seq FROM history_title WHERE room = :room AND room_time <= :as_of_time
        ORDER BY room_time DESC, seq DESC LIMIT 1) named
) latest)
"""
_AS_OF: dict[Past, str] = {"as_of": ":as_of", "as_of_time": "(SELECT seq FROM moment)"}


@cache
def page(kind: Kind, among: Among = "room", past: Past | None = None) -> str:
    """The statement of a page. Parameters: `room`, what `kind` and `past` name, `limit`; `thread` for one.

    For a message without a thread, `thread` is its seq. A place that is beyond the moment is the moment's: of two upper
    bounds SQLite looks for one alone, and would walk from there to the other.
    `before` gives the newest messages before a seq, and tells whether there is one at or after it; `after` the same the
    other way round. `around` and `at` give those on either side of a seq, or of the last one that was there at a time,
    that the page could need.
    """
    as_of = _AS_OF[past] if past else ""
    chosen = f"FROM history_item WHERE room = :room{_AMONG[among]}"
    upto = f" AND seq <= {as_of}" if past else ""
    older = f"SELECT seq, item {chosen} AND seq {{0}} ORDER BY seq DESC LIMIT :limit"
    newer = f"SELECT seq, item {chosen}{upto} AND seq > {{0}} ORDER BY seq LIMIT :limit"
    there = f"(SELECT seq {chosen} AND seq {{0}} ORDER BY seq LIMIT 1) IS NOT NULL"
    at = _AT.format(_not_beyond("seq", as_of))
    before = _not_beyond(":before", f"{as_of} + 1" if past else "")
    after, around = _not_beyond(":after", as_of), _not_beyond(":around", as_of)
    others, pivot, lines = {
        "before": (there.format(f">= {before}{upto}"), "NULL", older.format(f"< {before}")),
        "after": (there.format(f"<= {after}"), "NULL", newer.format(after)),
        "around": ("FALSE", around, _BOTH.format(older.format(f"<= {around}"), newer.format(around))),
        "at": ("FALSE", at, _BOTH.format(older.format(f"<= COALESCE({at}, 0)"), newer.format(f"COALESCE({at}, 0)"))),
    }[kind]
    statement = _PAGE.format(
        others=others, log_head=HEAD_IN_SQL, pivot=pivot, lines=lines, past=_PAST.format(as_of) if past else ""
    )
    return _MOMENT + statement if past == "as_of_time" else statement


def _not_beyond(seq: str, last: str) -> str:
    """A seq, or the last one where it is beyond that."""
    return f"CASE WHEN {seq} < {last} THEN {seq} ELSE {last} END" if last else seq


THREAD = "SELECT seq, thread FROM history_item WHERE room = :room AND message_id = :message_id"
"""The seq of a message, and which thread it is in: NULL if it is in none."""
