"""Somebody with the database's password, who changes what was recorded behind everybody's back."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg

from commands.sqlite_connection import files_beside
from tests.projections.deployment import execute

NAMES = {"position": "notification_id", "room": "originator_id", "seq": "originator_version"}


def falsify_tile(level: int, number: int) -> None:
    """Change the second hash of a tile."""
    place = [level, number]
    ((hashes,),) = execute("SELECT hashes FROM proof_tile WHERE level = %s AND number = %s", place)
    forged = bytes(hashes[:32]) + b"forged" + bytes(hashes[38:])
    execute("UPDATE proof_tile SET hashes = %s WHERE level = %s AND number = %s", [forged, *place])


class Intruder:
    """Runs statements on the log, in which `position`, `room` and `seq` are its columns, and `?` a parameter."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._is_sqlite = database.startswith("sqlite")

    def execute(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        names = NAMES | {"position": "rowid"} if self._is_sqlite else NAMES
        for name, column in names.items():
            statement = statement.replace(f"{{{name}}}", column)
        if self._is_sqlite:
            path = files_beside(Path(self._database.removeprefix("sqlite:///"))).events
            with closing(sqlite3.connect(path, autocommit=True)) as connection:
                return connection.execute(statement, parameters).fetchall()
        with psycopg.connect(self._database, autocommit=True) as server:
            cursor = server.execute(statement.replace("?", "%s").encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def change_a_byte(self, position: int) -> None:
        ((state,),) = self.execute("SELECT state FROM stored_events WHERE {position} = ?", position)
        middle = len(state) // 2
        changed = state[:middle] + bytes([state[middle] ^ 1]) + state[middle + 1 :]
        self.execute("UPDATE stored_events SET state = ? WHERE {position} = ?", changed, position)

    def delete(self, position: int) -> None:
        self.execute("DELETE FROM stored_events WHERE {position} = ?", position)

    def cut_off(self, after: int) -> None:
        self.execute("DELETE FROM stored_events WHERE {position} > ?", after)

    def swap(self, one: int, other: int) -> None:
        for was, is_now in ((one, -1), (other, one), (-1, other)):
            self.execute("UPDATE stored_events SET {position} = ? WHERE {position} = ?", is_now, was)

    def swap_what_they_say(self, one: int, other: int) -> None:
        states = [self.execute("SELECT state FROM stored_events WHERE {position} = ?", at)[0][0] for at in (one, other)]
        for position, state in zip((other, one), states, strict=True):
            self.execute("UPDATE stored_events SET state = ? WHERE {position} = ?", state, position)

    def insert(self, position: int, room: str, seq: int) -> None:
        self.execute(
            "INSERT INTO stored_events ({position}, {room}, {seq}, topic, subject, state) VALUES (?, ?, ?, ?, ?, ?)",
            *(position, room, seq, "message.posted", "message:forged", b'{"actor":"guest:grace"}'),
        )
