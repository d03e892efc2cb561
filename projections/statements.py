"""Every statement that reads the read models, but for the pages of history (history_statements.py)."""

from commands.subscription import HEAD_IN_SQL

MESSAGE = f"""
SELECT i.item, EXISTS (SELECT 1 FROM parked_room WHERE projection = 'history' AND room = :room),
    {HEAD_IN_SQL} > (SELECT head_seq FROM history_room WHERE room = :room),
    (SELECT position FROM checkpoint WHERE projection = 'history' AND partition = 0)
FROM (SELECT 1) one LEFT JOIN history_item i ON i.room = :room AND i.message_id = :message_id
"""
"""A message's item, whether the room is parked, whether the log knows more of it, the checkpoint."""

TAPE = """
WITH RECURSIVE steps (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM steps WHERE i < :points)
SELECT h.head_seq, p.room IS NOT NULL, i.seq, i.room_time
FROM history_room h
LEFT JOIN parked_room p ON p.projection = 'history' AND p.room = :room
CROSS JOIN steps s
LEFT JOIN history_item i ON i.room = :room AND i.seq = (
    SELECT o.seq FROM history_item o
    WHERE o.room = :room AND o.seq <= 1 + (h.head_seq - 1) * s.i / :points ORDER BY o.seq DESC LIMIT 1
)
WHERE h.room = :room
"""
"""The last message at or before each of evenly spaced seqs, from the first to the head, with the room's time."""

_ROOM = """
r.room, r.title, r.topic, r.visibility, r.archived, r.slow_mode_s, r.retain_days, r.owner, r.opened_at, r.head_seq,
r.message_count, r.last_message_at
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
CHECKPOINTS = """
SELECT c.projection, c.position, c.heartbeat_at, b.state, w.position, w.heartbeat_at, b.began_at, b.began_from
FROM checkpoint c
LEFT JOIN projection_beside b ON b.projection = c.projection AND b.state <> 'kept'
LEFT JOIN checkpoint w ON w.projection = b.projection || '/beside' AND w.partition = 0
WHERE c.partition = 0 AND c.projection NOT LIKE '%/beside' ORDER BY c.projection
"""
"""How far each projection is, and the version that is made beside it."""

PARKED = "SELECT projection, room FROM parked_room ORDER BY room"

EVENTS_OF = """
SELECT position FROM person_event WHERE person = :person AND position > :after AND position <= :upto
ORDER BY position LIMIT :limit
"""
"""The next events that a person did, or that are about them."""

RETAINED = """
SELECT r.room, r.retain_days, r.retained_since, r.opened_at, COALESCE(h.room_time, 0)
FROM directory_room r LEFT JOIN history_room h ON h.room = r.room
WHERE r.retain_days > 0 AND r.room > :after ORDER BY r.room LIMIT :limit
"""
"""The next rooms whose record is kept for some days only, each with its time."""

TOOK_PART = "SELECT 1 FROM person_room WHERE person = :person AND room = :room"
ROOMS_OF = "SELECT room FROM person_room WHERE person = :person ORDER BY room"
