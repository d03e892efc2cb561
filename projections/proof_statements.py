"""Every statement that reads the tree and its heads."""

MOST = 12
"""Tiles that one statement reads; a proof in a log of 2^64 events needs no more than two of each level."""

AHEAD = 16
"""Events whose tiles one statement finds."""

REACHED = "SELECT tree_size, position FROM proof_size WHERE partition = 0"

TILES = f"""
WITH wanted (level, number) AS (
    VALUES {", ".join(f"(CAST(:level{i} AS bigint), CAST(:number{i} AS bigint))" for i in range(MOST))}
)
SELECT t.level, t.number, t.hashes
FROM wanted CROSS JOIN proof_tile t WHERE t.level = wanted.level AND t.number = wanted.number
"""
"""Tiles by their keys."""

TILE_OF = """
SELECT number, hashes FROM proof_tile WHERE level = 0 AND first_position <= :position
ORDER BY first_position DESC LIMIT 1
"""
"""The tile of leaves that an event is in."""

TILES_OF = f"""
WITH wanted (position) AS (VALUES {", ".join(f"(CAST(:position{i} AS bigint))" for i in range(AHEAD))})
SELECT number, first_position, last_position, hashes FROM proof_tile WHERE level = 0 AND number IN (
    SELECT (
        SELECT number FROM proof_tile WHERE level = 0 AND first_position <= wanted.position
        ORDER BY first_position DESC LIMIT 1
    ) FROM wanted
)
ORDER BY number
"""
"""The tiles of leaves that events are in, each once."""

TILES_AFTER = """
SELECT number, first_position, last_position, hashes FROM proof_tile WHERE level = 0 AND number > :number
ORDER BY number LIMIT :limit
"""
"""Tiles of leaves, one after the other."""

_HEAD = "SELECT tree_size, position, root_hash, signed_at, signature, public_key FROM tree_head"

HEAD = f"{_HEAD} WHERE tree_size = :tree_size"
LAST_HEAD = f"{_HEAD} ORDER BY tree_size DESC LIMIT 1"
HEADS_AFTER = f"{_HEAD} WHERE tree_size > :tree_size ORDER BY tree_size LIMIT :limit"

ROOM_HEADS = "SELECT room, head_seq FROM directory_room WHERE room > :after ORDER BY room LIMIT :limit"
"""How far rooms had come, as the directory knows it."""
