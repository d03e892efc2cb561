"""The two laws of every projection: replaying gives equal tables, and applying twice changes nothing."""

from functools import partial

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.amending import EditMessage, RedactMessage
from commands.errors import Refusal
from commands.handlers import Command
from commands.message import PostMessage, derive_id
from commands.reaction import React, Unreact
from commands.rules import ChangeRoom, OpenRoom
from projections.known import KNOWN
from projections.projection import Projection
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.projections.deployment import Deployment, forget, on_django, tables

ROOMS = st.sampled_from([GENERAL, GARDEN])
TEXTS = st.sampled_from(["hi", "ho", "مرحبا", "x" * 3000])
IDS = st.builds(derive_id, st.just(GENERAL), st.sampled_from([ADA, GRACE]), st.sampled_from(["a", "b"]))
ABOUT = {"room": st.just(GENERAL), "message_id": IDS}
EMOJI = st.sampled_from(["🫖", "👍"])
COMMANDS = st.one_of(
    st.builds(OpenRoom, room=ROOMS, visibility=st.sampled_from(["public", "private"])),
    st.builds(PostMessage, room=ROOMS, message=TEXTS, client_msg_id=st.sampled_from([None, "a", "b"])),
    st.builds(ChangeRoom, room=ROOMS, title=TEXTS, archived=st.sampled_from([None, None, True, False])),
    st.builds(EditMessage, message=TEXTS, **ABOUT),
    st.builds(RedactMessage, **ABOUT),
    st.builds(React, emoji=EMOJI, **ABOUT),
    st.builds(Unreact, emoji=EMOJI, **ABOUT),
)
SCRIPTS = st.lists(st.tuples(st.sampled_from([ADA, GRACE]), COMMANDS), min_size=1, max_size=25)


async def play(deployment: Deployment, script: list[tuple[str, Command]]) -> None:
    for person, command in script:
        try:
            await deployment.do(person, command)
        except Refusal:
            continue


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=SCRIPTS, first=st.integers(1, 5), second=st.integers(1, 5))
async def test_replaying_the_log_in_any_batches_gives_equal_tables(
    deployment: Deployment, script: list[tuple[str, Command]], first: int, second: int
) -> None:
    await play(deployment, script)
    await deployment.project(batch=first)
    kept = tables()
    forget()
    await deployment.project(batch=second)
    assert tables() == kept


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=SCRIPTS)
async def test_applying_events_twice_changes_nothing(deployment: Deployment, script: list[tuple[str, Command]]) -> None:
    await play(deployment, script)
    await deployment.project()
    kept = tables()
    facts = await deployment.log.read_all(after=0, limit=1000)

    @transaction.atomic
    def apply_twice(projection: Projection) -> None:
        projection.apply(facts)
        projection.apply(facts[len(facts) // 2 :])

    for projection in KNOWN:
        on_django(partial(apply_twice, projection))
    assert tables() == kept


async def test_a_directory_row_says_what_a_room_is_now(deployment: Deployment) -> None:
    await deployment.do(ADA, OpenRoom(room=GENERAL, title="Before"))
    await deployment.do(ADA, ChangeRoom(room=GENERAL, title="After", topic="tea", slow_mode_s=5))
    await deployment.say(ADA, "one", "two")
    await deployment.project()
    (row,) = tables()["directory_room"]
    label, title, topic, visibility, archived, slow, owner, _, head, count, last_at, *_ = row
    assert (label, title, topic, visibility, owner) == (GENERAL, "After", "tea", "public", ADA)
    assert (bool(archived), slow, head, count) == (False, 5, 4, 2)
    assert last_at is not None
