"""Messages that change, in the history: each item is what a plain model of the room says."""

from functools import partial
from typing import Any

import msgspec
import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.amending import EditMessage, RedactMessage
from commands.errors import Refusal, Unavailable
from commands.handlers import Command
from commands.reaction import React, Unreact
from commands.subscription import StoreUnavailable
from projections.directory import Directory
from projections.history import History
from projections.history_tables import ITEMS
from projections.projection import CannotApply
from projections.rows import select_pairs
from tests.cast import ADA, GARDEN, GENERAL, GRACE, LINUS
from tests.projections.deployment import Deployment, applier_of, execute, forget, on_django, said, tables

PEOPLE = (ADA, GRACE, LINUS)
TEXTS = st.sampled_from(["one", "two", "three 🫖"])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(PEOPLE),
        st.integers(0, 2),
        st.one_of(
            st.builds(lambda text: ("edit", text), TEXTS),
            st.just(("redact", "")),
            st.builds(lambda emoji: ("react", emoji), st.sampled_from("👍🫖")),
            st.builds(lambda emoji: ("unreact", emoji), st.sampled_from("👍🫖")),
        ),
    ),
    max_size=30,
)


def command(message_id: str, kind: str, what: str) -> Command:
    """The command of one step."""
    match kind:
        case "edit":
            return EditMessage(room=GENERAL, message_id=message_id, message=what)
        case "redact":
            return RedactMessage(room=GENERAL, message_id=message_id)
        case "react":
            return React(room=GENERAL, message_id=message_id, emoji=what)
        case _:
            return Unreact(room=GENERAL, message_id=message_id, emoji=what)


class Model:
    """One message, told without events."""

    def __init__(self, seq: int, author: str) -> None:
        self.message: str | None = "said"
        self.author = author
        self.seq = seq
        self.edited = self.redacted = False
        self.given: set[tuple[str, str]] = set()

    def take(self, person: str, kind: str, what: str, seq: int) -> None:
        self.seq = seq
        match kind:
            case "edit":
                self.message, self.edited = what, True
            case "redact":
                self.message, self.redacted = None, True
            case "react":
                self.given.add((person, what))
            case _:
                self.given.discard((person, what))

    def told(self) -> dict[str, Any]:
        emoji = [emoji for _, emoji in self.given]
        return {
            "message": self.message,
            "redacted": self.redacted,
            "seq_changed": self.seq,
            "reactions": {one: emoji.count(one) for one in emoji},
        }


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, batch=st.integers(1, 12))
async def test_an_item_is_what_a_model_of_its_message_says(
    deployment: Deployment, steps: list[tuple[str, int, tuple[str, str]]], batch: int
) -> None:
    posted = [(await deployment.say(person, "said"))[0] for person in PEOPLE]
    models = [Model(receipt.seq, person) for receipt, person in zip(posted, PEOPLE, strict=True)]
    for person, which, (kind, what) in steps:
        try:
            receipt = await deployment.do(person, command(posted[which].message_id or "", kind, what))
        except Refusal:
            continue
        if receipt.changed:
            models[which].take(person, kind, what, receipt.seq)
    await deployment.project(batch=batch)
    for receipt, model in zip(posted, models, strict=True):
        item = msgspec.json.decode(await deployment.queries.message(GENERAL, receipt.message_id or "") or b"")
        assert {name: item[name] for name in model.told()} == model.told()
        assert (item["edited_at"] is not None) == model.edited
        assert item["seq"] == receipt.seq


async def test_an_edit_shows_when_it_was_and_leaves_the_rest(deployment: Deployment) -> None:
    (posted,) = await deployment.say(ADA, "helo")
    await deployment.project()
    before = msgspec.json.decode((await deployment.page()).items[0])
    edited = await deployment.do(ADA, command(posted.message_id or "", "edit", "hello"))
    await deployment.project()
    (item,) = (await deployment.page()).items
    after = msgspec.json.decode(item)
    assert after == before | {"message": "hello", "edited_at": after["edited_at"], "seq_changed": edited.seq}
    assert after["edited_at"] >= after["created_at"]
    assert list(after) == list(before)


async def test_what_was_said_is_gone_from_the_tables_once_it_is_redacted(deployment: Deployment) -> None:
    (posted,) = await deployment.say(ADA, "a very long secret")
    await deployment.do(ADA, command(posted.message_id or "", "edit", "another long secret"))
    await deployment.do(ADA, command(posted.message_id or "", "redact", ""))
    await deployment.project()
    assert "secret" not in repr(tables())


async def test_a_batch_of_many_changes_takes_as_many_statements_as_one_change(deployment: Deployment) -> None:
    async def statements(changes: int) -> int:
        (posted,) = await deployment.say(ADA, "hi")
        await deployment.project()
        for n in range(changes):
            await deployment.do(ADA, command(posted.message_id or "", "edit", f"text {n}"))
        applier = applier_of(History())
        facts = await deployment.log.read_all(after=applier.position, limit=1000)
        asked: list[str] = []

        def counted() -> None:
            def count(execute: Any, sql: str, *rest: Any) -> Any:
                asked.append(sql)
                return execute(sql, *rest)

            with connection.execute_wrapper(count):
                applier.apply(facts)

        on_django(counted)
        assert len(facts) == changes
        return len(asked)

    assert await statements(1) == await statements(40)


async def test_messages_of_many_rooms_are_found_at_once(deployment: Deployment) -> None:
    wanted = []
    for room in (GENERAL, GARDEN):
        receipts = await deployment.say(ADA, "one", "two", room=room)
        wanted += [(room, receipt.message_id or "") for receipt in receipts]
    await deployment.project()
    rows = on_django(lambda: select_pairs(ITEMS, ("room", "message_id"), wanted[1:]))
    assert {(row[0], row[2]) for row in rows} == set(wanted[1:])
    assert on_django(lambda: select_pairs(ITEMS, ("room", "message_id"), [])) == []


async def test_a_batch_of_several_rooms_gives_what_its_events_give_one_by_one(deployment: Deployment) -> None:
    for room in (GENERAL, GARDEN):
        first, _ = await deployment.say(ADA, "one", "two", room=room)
        about: dict[str, Any] = {"room": room, "message_id": first.message_id or ""}
        await deployment.do(GRACE, React(**about, emoji="👍"))
        await deployment.do(ADA, EditMessage(**about, message="another"))
        await deployment.say(LINUS, "three", room=room)
    facts = await deployment.log.read_all(after=0, limit=100)
    on_django(lambda: History().apply(facts))
    at_once = tables()
    forget()
    for fact in facts:
        on_django(partial(History().apply, [fact]))
    assert len(at_once["history_item"]) == 6
    assert tables() == at_once


async def test_a_change_of_what_is_not_there_parks_the_room(deployment: Deployment) -> None:
    (posted,) = await deployment.say(ADA, "hi")
    await deployment.project()
    execute("DELETE FROM history_item")
    await deployment.do(ADA, command(posted.message_id or "", "react", "👍"))
    applier = applier_of(History())
    facts = await deployment.log.read_all(after=applier.position, limit=10)
    with pytest.raises(CannotApply, match="not there"):
        on_django(lambda: History().apply(facts))


async def test_a_redaction_hides_at_once_what_the_read_model_still_has(deployment: Deployment) -> None:
    (first, second) = await deployment.say(ADA, "a secret", "no secret")
    await deployment.project()
    before = (await deployment.page()).items
    await deployment.do(ADA, command(first.message_id or "", "redact", ""))
    page = await deployment.page()
    assert page.head_seq == second.seq
    hidden = msgspec.json.decode(page.items[0])
    assert hidden == msgspec.json.decode(before[0]) | {"message": None, "redacted": True}
    assert page.items[1] == before[1]
    everywhere: list[dict[str, Any]] = [{"before": 100}, {"after": 0}, {"around": 2}, {"at": 2**50}]
    for wanted in everywhere:
        assert (await deployment.page(**wanted)).items == page.items
    assert await deployment.queries.message(GENERAL, first.message_id or "") == page.items[0]
    assert await deployment.queries.message(GENERAL, second.message_id or "") == before[1]
    await deployment.project()
    assert msgspec.json.decode((await deployment.page()).items[0]) == hidden | {"seq_changed": second.seq + 1}


async def test_only_a_page_that_the_log_knows_more_of_costs_a_look_at_the_log(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    among = deployment.log.redacted_among

    async def counted_among(room: str, subjects: list[str]) -> set[str]:
        looks.append(f"{len(subjects)} messages")
        return await among(room, subjects)

    monkeypatch.setattr(deployment.log, "redacted_among", counted_among)
    assert (await deployment.page()).items == []
    one, _ = await deployment.say(ADA, "one", "two")
    await deployment.project()
    await deployment.page()
    await deployment.queries.message(GENERAL, one.message_id or "")
    assert looks == []
    await deployment.say(ADA, "three")
    assert said(await deployment.page()) == ["one", "two"]
    await deployment.queries.message(GENERAL, one.message_id or "")
    assert looks == ["2 messages", "1 messages"]


async def test_a_page_is_not_shown_unless_it_is_known_what_may_be(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> int:
        raise StoreUnavailable

    await deployment.say(ADA, "one")
    await deployment.project()
    await deployment.say(ADA, "two")
    monkeypatch.setattr(deployment.log, "redacted_among", away)
    with pytest.raises(Unavailable):
        await deployment.page()


async def test_a_room_that_was_parked_is_replayed_with_what_was_redacted(deployment: Deployment) -> None:
    (posted,) = await deployment.say(ADA, "a secret")
    await deployment.do(GRACE, command(posted.message_id or "", "react", "👍"))
    await deployment.do(ADA, command(posted.message_id or "", "redact", ""))
    await deployment.project(Directory(), History())
    kept = tables()
    forget()
    facts = await deployment.log.read_room(GENERAL, after=0)
    for projection in (Directory(), History()):
        on_django(partial(applier_of(projection).write, facts))
    assert tables() == kept
