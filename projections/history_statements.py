"""The statements that read pages of history. Each page is one statement, so that its parts are of one snapshot.

A page's rows are: the room's head, the head that the log knows, the checkpoint, whether the room is parked, whether
there are messages on the side that was not asked for, the pivot's seq, and of one message its seq and its item (NULL in
an empty page). A page of the past goes on with the item as it was at that moment, without its text (NULL where nothing
has changed since), the text that it had (NULL where it was not edited since), and the room's title and topic then.
"""

from functools import cache
from typing import Literal

from commands.subscription import HEAD_IN_SQL

type Kind = Literal["before", "after", "around", "at"]
type Among = Literal["room", "thread", "message"]
"""A page of all of a room, of a thread, or of a message without one."""

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
_NOT_BEYOND = "CASE WHEN seq < :as_of THEN seq ELSE :as_of END"
_BOTH = "SELECT * FROM ({}) a UNION ALL SELECT * FROM ({}) b"
_THEN = """
(SELECT o.{0} FROM history_{1} o WHERE o.room = :room AND o.seq = i.seq AND o.until_seq > :as_of
ORDER BY o.until_seq LIMIT 1)
"""
_NAME = """
(SELECT t.text FROM history_title t WHERE t.room = :room AND t.what = '{}' AND t.seq <= :as_of
ORDER BY t.seq DESC LIMIT 1)
"""
_PAST = f""",
{_THEN.format("item", "past")}, {_THEN.format("text", "text")}, {_NAME.format("title")}, {_NAME.format("topic")}
"""


@cache
def page(kind: Kind, among: Among = "room", *, past: bool = False) -> str:
    """The statement of a page. Parameters: `room`, what `kind` names, `limit`; `thread` for one; `as_of` for the past.

    For a message without a thread, `thread` is its seq. A place in the past is not beyond `as_of`, which therefore no
    place is checked against: of two upper bounds SQLite looks for one alone, and would walk from there to the other.
    `before` gives the newest messages before a seq, and tells whether there is one at or after it; `after` the same the
    other way round. `around` and `at` give as many on either side of a seq, or of the last one that was there at a
    time, as the page could need.
    """
    chosen = f"FROM history_item WHERE room = :room{_AMONG[among]}"
    upto = " AND seq <= :as_of" if past else ""
    older = f"SELECT seq, item {chosen} AND seq {{0}} ORDER BY seq DESC LIMIT :limit"
    newer = f"SELECT seq, item {chosen}{upto} AND seq > {{0}} ORDER BY seq LIMIT :limit"
    there = f"(SELECT seq {chosen} AND seq {{0}} ORDER BY seq LIMIT 1) IS NOT NULL"
    at = _AT.format(_NOT_BEYOND if past else "seq")
    others, pivot, lines = {
        "before": (there.format(f">= :before{upto}"), "NULL", older.format("< :before")),
        "after": (there.format("<= :after"), "NULL", newer.format(":after")),
        "around": ("FALSE", ":around", _BOTH.format(older.format("<= :around"), newer.format(":around"))),
        "at": ("FALSE", at, _BOTH.format(older.format(f"<= COALESCE({at}, 0)"), newer.format(f"COALESCE({at}, 0)"))),
    }[kind]
    return _PAGE.format(others=others, log_head=HEAD_IN_SQL, pivot=pivot, lines=lines, past=_PAST if past else "")


THREAD = "SELECT seq, thread FROM history_item WHERE room = :room AND message_id = :message_id"
"""The seq of a message, and which thread it is in: NULL if it is in none."""

MOMENT = """
SELECT max(seq) FROM (
    SELECT * FROM (SELECT seq FROM history_item WHERE room = :room AND room_time <= :time
        ORDER BY room_time DESC, seq DESC LIMIT 1) posted
    UNION ALL
    SELECT * FROM (SELECT until_seq FROM history_past WHERE room = :room AND until_time <= :time
        ORDER BY until_time DESC, until_seq DESC LIMIT 1) changed
    UNION ALL
    SELECT * FROM (SELECT seq FROM history_title WHERE room = :room AND room_time <= :time
        ORDER BY room_time DESC, seq DESC LIMIT 1) named
) latest
"""
"""The last seq that made a page of history look as it did at a time."""
