"""Rebuilding beside the version in use: equal, never noticed, continued after a death, taken back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from commands.amending import EditMessage, RedactMessage
from commands.message import PostMessage
from commands.reaction import React
from commands.rules import ChangeRoom
from projections.known import KNOWN
from projections.rebuilding import Progress, Rebuilding
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.projections.deployment import Deployment, execute, said, tables


async def talk(deployment: Deployment) -> None:
    """Something for every table."""
    first = await deployment.do(ADA, PostMessage(room=GENERAL, message="helo"))
    assert first.message_id
    secret = await deployment.do(ADA, PostMessage(room=GENERAL, message="a secret"))
    assert secret.message_id
    await deployment.do(ADA, EditMessage(room=GENERAL, message_id=first.message_id, message="hello"))
    await deployment.do(ADA, RedactMessage(room=GENERAL, message_id=secret.message_id))
    await deployment.do(GRACE, React(room=GENERAL, message_id=first.message_id, emoji="👍"))
    await deployment.do(GRACE, PostMessage(room=GENERAL, message="and you?", reply_to=first.message_id))
    await deployment.do(ADA, ChangeRoom(room=GENERAL, title="General", topic="tea"))
    await deployment.say(GRACE, "in the garden", room=GARDEN)


@asynccontextmanager
async def rebuilding(deployment: Deployment) -> AsyncIterator[tuple[Rebuilding, list[Progress]]]:
    told: list[Progress] = []
    yield Rebuilding(deployment.log, KNOWN, told.append), told


async def test_what_is_rebuilt_is_equal_and_takes_its_place(deployment: Deployment) -> None:
    await talk(deployment)
    await deployment.project()
    kept = tables()
    async with rebuilding(deployment) as (work, told), work.alone() as versions:
        for each in versions:
            await work.on_thread(each.begin)
        await work.bring_forward(versions)
        for each in versions:
            comparison = await work.compare(each)
            assert comparison.equal, comparison
            await work.exchange(each)
    assert tables() == kept
    await deployment.say(ADA, "later")
    await deployment.project()
    assert said(await deployment.page())[-1] == "later"
    assert told[-1].position == told[-1].target
    if execute("SELECT 1") and "sqlite" in str(type(deployment.parts.store)).lower():
        assert execute("PRAGMA integrity_check") == [("ok",)]
