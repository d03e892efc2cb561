"""A past in which everything happens that can."""

import sqlite3
from contextlib import closing

from commands.amending import EditMessage, RedactMessage
from commands.clock import now_ms
from commands.member import Ban, Unban
from commands.message import PostMessage
from commands.postgres import PostgresStore
from commands.postgres_vault import PostgresVault
from commands.reaction import React, Unreact
from commands.rules import ChangeRoom, OpenRoom
from commands.sqlite import SQLiteStore
from commands.sqlite_vault import SQLiteVault
from tests.cast import ADA, GARDEN, GENERAL, GRACE, LINUS
from tests.projections.deployment import Deployment

SECRET = "the combination is 4711"
BEFORE = "we meet at nine"


async def live_through(deployment: Deployment) -> None:
    """17 events in #general, 3 in the private #garden, from four people, of whom one was erased."""
    do = deployment.do
    await do(ADA, OpenRoom(room=GENERAL, title="Général"))
    await do(ADA, OpenRoom(room=GARDEN, visibility="private"))
    first = (await do(ADA, PostMessage(room=GENERAL, message=BEFORE, client_msg_id="one"))).message_id or ""
    await do(ADA, PostMessage(room=GARDEN, message="only I see this"))
    answer = (await do(GRACE, PostMessage(room=GENERAL, message='=HYPERLINK("x")', reply_to=first))).message_id or ""
    secret = (await do(GRACE, PostMessage(room=GENERAL, message=SECRET, handle="grace"))).message_id or ""
    await do(ADA, EditMessage(room=GENERAL, message_id=first, message="we meet at <b>ten</b> 🫖"))
    for person, emoji in ((GRACE, "👍"), (LINUS, "👍"), (LINUS, "🫖")):
        await do(person, React(room=GENERAL, message_id=first, emoji=emoji))
    await do(LINUS, Unreact(room=GENERAL, message_id=first, emoji="🫖"))
    await do(ADA, RedactMessage(room=GENERAL, message_id=secret, reason="not here"))
    await do(ADA, Ban(room=GENERAL, person=LINUS, until=now_ms() + 60_000, reason="noise"))
    await do(ADA, Unban(room=GENERAL, person=LINUS))
    await do(ADA, ChangeRoom(room=GENERAL, topic="tea", slow_mode_s=5))
    await do("guest:gone", PostMessage(room=GENERAL, message="forget me", reply_to=answer))
    await do("guest:gone", PostMessage(room=GARDEN + "-2", message="everywhere"))
    await do(LINUS, PostMessage(room=GENERAL, message="good morning"))
    await forget(deployment, "guest:gone")


async def forget(deployment: Deployment, person: str) -> None:
    """Destroy somebody's key."""
    await _execute(deployment.parts.vault, f"UPDATE person_keys SET wrapped = NULL WHERE person = '{person}'")
    deployment.parts.mapper.keyring.forget(person)


async def rewrite(deployment: Deployment, stream: str, seq: int) -> None:
    """Change an event where it is stored, as somebody might who has the database."""
    await _execute(
        deployment.parts.store,
        "UPDATE stored_events SET state = "
        f"(SELECT state FROM stored_events WHERE originator_id = '{stream}' AND originator_version = {seq - 1}) "
        f"WHERE originator_id = '{stream}' AND originator_version = {seq}",
    )


async def _execute(where: object, statement: str) -> None:
    match where:
        case SQLiteStore() | SQLiteVault():
            with closing(sqlite3.connect(where._path, autocommit=True)) as connection:
                connection.execute(statement)
        case PostgresVault():
            await where._database.select(f"{statement} RETURNING 1", [], tuple)
        case PostgresStore():
            await where.reading.select(f"{statement} RETURNING 1", [], tuple)
