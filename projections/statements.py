"""Every statement that reads the read models. Each page is one statement, so that its parts are of one snapshot.

A page's rows are: the room's head, the checkpoint, whether the room is parked, whether there are messages on the side
that was not asked for, the pivot's seq, and the seq and item of one message (NULL in an empty page).
"""

_PAGE = """
SELECT h.head_seq, c.position, p.room IS NOT NULL, {others}, {pivot}, i.seq, i.item
FROM checkpoint c
LEFT JOIN history_room h ON h.room = :room
LEFT JOIN parked_room p ON p.projection = 'history' AND p.room = :room
LEFT JOIN ({items}) i ON TRUE
WHERE c.projection = 'history' AND c.partition = 0
"""
_OLDER = "SELECT seq, item FROM history_item WHERE room = :room AND seq {than} ORDER BY seq DESC LIMIT :limit"
_NEWER = "SELECT seq, item FROM history_item WHERE room = :room AND seq > {than} ORDER BY seq LIMIT :limit"
_BOTH = f"""
SELECT * FROM ({_OLDER.format(than="<= {0}")}) older UNION ALL SELECT * FROM ({_NEWER.format(than="{0}")}) newer
"""
_AT = """
(SELECT seq FROM history_item WHERE room = :room AND room_time <= :at ORDER BY room_time DESC, seq DESC LIMIT 1)
"""

BEFORE = _PAGE.format(
    others="(SELECT seq FROM history_item WHERE room = :room AND seq >= :before ORDER BY seq LIMIT 1) IS NOT NULL",
    pivot="NULL",
    items=_OLDER.format(than="< :before"),
)
"""The newest messages before a seq, and whether there is one at or after it."""

AFTER = _PAGE.format(
    others="(SELECT seq FROM history_item WHERE room = :room AND seq <= :after ORDER BY seq LIMIT 1) IS NOT NULL",
    pivot="NULL",
    items=_NEWER.format(than=":after"),
)
"""The oldest messages after a seq, and whether there is one at or before it."""

AROUND = _PAGE.format(others="FALSE", pivot=":around", items=_BOTH.format(":around"))
"""As many messages on either side of a seq as the page could need."""

AT = _PAGE.format(others="FALSE", pivot=_AT, items=_BOTH.format(f"COALESCE({_AT}, 0)"))
"""The same around the last message that was there at a time."""

MESSAGE = """
SELECT i.item, EXISTS (SELECT 1 FROM parked_room WHERE projection = 'history' AND room = :room)
FROM (SELECT 1) one LEFT JOIN history_item i ON i.room = :room AND i.message_id = :message_id
"""

_ROOM = """
r.room, r.title, r.topic, r.visibility, r.archived, r.slow_mode_s, r.owner, r.opened_at, r.head_seq, r.message_count,
r.last_message_at
"""

ROOMS = f"""
SELECT * FROM (
    SELECT * FROM (
        SELECT {_ROOM} FROM directory_room r
        WHERE r.visibility = 'public' AND r.room > :after ORDER BY r.room LIMIT :limit
    ) open
    UNION ALL
    SELECT * FROM (
        SELECT {_ROOM} FROM directory_room r
        WHERE r.owner = :person AND r.visibility <> 'public' AND r.room > :after ORDER BY r.room LIMIT :limit
    ) own
) seen ORDER BY room LIMIT :limit
"""
"""The next rooms by label that a person may see."""

ROOM = f"""
SELECT {_ROOM}, EXISTS (SELECT 1 FROM parked_room WHERE projection = 'directory' AND room = :room)
FROM (SELECT 1) one LEFT JOIN directory_room r ON r.room = :room
"""

CHECKPOINT = "SELECT position FROM checkpoint WHERE projection = :projection AND partition = 0"
CHECKPOINTS = "SELECT projection, position, heartbeat_at FROM checkpoint WHERE partition = 0 ORDER BY projection"
PARKED = "SELECT projection, room FROM parked_room ORDER BY room"
