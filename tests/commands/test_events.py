"""Every form that was ever stored can be read, and is read as the newest one."""

from typing import Any

import pytest

from commands.days import day_key, day_of
from commands.events import TOPICS, UPCASTERS, Event, MessagePosted, register, revive, wire_name
from tests.cast import ADA, GENERAL, NOON
from tests.commands.forms import DATED, FOLDER, FORMS, keys, stored
from tests.commands.given import HELLO, OPENED
from tests.commands.vault import mapper


def test_every_topic_that_can_be_read_has_a_stored_form() -> None:
    assert set(FORMS) == set(TOPICS) | set(UPCASTERS)
    assert {path.stem for path in FOLDER.glob("*.json")} == {*FORMS, "keys"}


@pytest.mark.parametrize("topic", FORMS)
async def test_a_stored_form_is_read_as_its_event(topic: str) -> None:
    [fact] = await mapper(keys()).open([stored(topic)])
    assert (fact.event, fact.stub) == (FORMS[topic], "")


@pytest.mark.parametrize("topic", DATED)
async def test_so_is_one_that_is_sealed_with_the_key_of_a_day_too(topic: str) -> None:
    row = stored(topic, FOLDER / "dated")
    [fact] = await mapper(keys()).open([row])
    assert (fact.event, fact.stub) == (DATED[topic], "")
    vault = keys()
    vault.keys[day_key(GENERAL, day_of(NOON))] = None
    [fact] = await mapper(vault).open([row])
    assert (fact.event and fact.event.subject, fact.stub) == (DATED[topic].subject, "erased")


@pytest.mark.parametrize("topic", FORMS)
async def test_a_stored_form_is_read_when_its_person_was_erased(topic: str) -> None:
    vault = keys()
    vault.keys[ADA] = None
    [fact] = await mapper(vault).open([stored(topic)])
    assert fact.stub == "erased"
    assert fact.event is not None
    assert fact.event.subject == FORMS[topic].subject
    for name in type(fact.event).SEALED:
        assert getattr(fact.event, name) == ""


@pytest.mark.parametrize("topic", FORMS)
def test_a_stored_form_is_stored_under_its_subject(topic: str) -> None:
    assert (stored(topic).topic, stored(topic).subject) == (topic, FORMS[topic].subject)


async def test_an_old_form_is_read_as_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    def split_text(old: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "message.posted@2", {**old, "message": old["text"] + "!"}

    def add_handle(old: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        return "message.posted", {**old, "handle": old["name"]}

    monkeypatch.setitem(UPCASTERS, "message.posted@1", split_text)
    monkeypatch.setitem(UPCASTERS, "message.posted@2", add_handle)
    oldest = {"actor": ADA, "occurred_at": NOON, "request_id": "r", "message_id": "0" * 32, "text": "hi", "name": "ada"}
    assert revive("message.posted@1", oldest) == MessagePosted(
        actor=ADA, occurred_at=NOON, request_id="r", message_id="0" * 32, message="hi!", handle="ada"
    )
    assert oldest["text"] == "hi"


async def test_an_old_stored_row_is_upcast_after_it_was_unsealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        UPCASTERS, "message.spoken", lambda old: ("message.posted", old | {"handle": old["handle"].upper()})
    )
    [fact] = await mapper(keys()).open([stored("message.posted")._replace(topic="message.spoken")])
    assert isinstance(fact.event, MessagePosted)
    assert fact.event.handle == "ADA L."


def test_clients_never_see_a_version() -> None:
    assert wire_name("message.posted@2") == wire_name("message.posted") == "message.posted"


def test_an_unknown_topic_cannot_be_revived() -> None:
    with pytest.raises(KeyError):
        revive("message.sung", {})


def test_a_topic_belongs_to_one_class_which_names_it_itself() -> None:
    with pytest.raises(TypeError, match="TOPIC of its own"):
        register(MessagePosted)

    class Inherits(MessagePosted, frozen=True, kw_only=True):
        pass

    with pytest.raises(TypeError, match="TOPIC of its own"):
        register(Inherits)


def test_events_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        HELLO.message = "bye"  # type: ignore[misc] # that it is frozen is the point


@pytest.mark.parametrize("event", TOPICS.values())
def test_what_is_sealed_and_what_is_shown_are_fields(event: type[Event]) -> None:
    assert {*event.SEALED, *event.DATA} <= set(event.__struct_fields__)
    assert {"address", "client"} <= set(event.SEALED)
    assert not {"address", "client", "request_id"} & set(event.DATA)


def test_data_is_in_the_contracts_order() -> None:
    assert list(HELLO.data) == ["message_id", "message", "handle", "reply_to", "client_msg_id"]
    assert OPENED.data == {"title": GENERAL, "visibility": "public"}
