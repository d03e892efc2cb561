"""Messages that change: who may edit and redact them, and what stays as it was."""

from functools import reduce

import pytest

from commands.amending import EditMessage, RedactMessage
from commands.errors import Archived, Banned, Forbidden, Gone, IdempotencyMismatch, InvalidField, NotFound, Redacted
from commands.events import Event, MemberBanned, MessageEdited, MessagePosted, MessageRedacted, Numbered, RoomChanged
from commands.message import PostMessage, check_same
from commands.states import State, blank, evolve
from tests.cast import ADA, GENERAL, GRACE, LINUS
from tests.commands.given import HELLO, HELLO_ID, OPENED, PRIVATE, by, given

EDIT = EditMessage(room=GENERAL, message_id=HELLO_ID, message="hello, all")
REDACT = RedactMessage(room=GENERAL, message_id=HELLO_ID, reason="too soon")
EDITED = MessageEdited(**by(GRACE), message_id=HELLO_ID, message="hello, all")
REDACTED = MessageRedacted(**by(GRACE), message_id=HELLO_ID, reason="too soon")
ARCHIVED = RoomChanged(**by(ADA), archived=True)
BANNED = MemberBanned(**by(ADA), person=GRACE)


def test_its_author_edits_a_message_again_and_again() -> None:
    given(OPENED, HELLO).when(EDIT, by=GRACE).then(EDITED)
    back = MessageEdited(**by(GRACE), message_id=HELLO_ID, message="hello")
    given(OPENED, HELLO, EDITED).when(EditMessage(room=GENERAL, message_id=HELLO_ID, message="hello"), by=GRACE).then(
        back
    )


def test_nobody_else_edits_it_not_even_the_owner() -> None:
    for person in (ADA, LINUS):
        given(OPENED, HELLO).when(EDIT, by=person).then_refused(Forbidden)


def test_an_edit_to_what_it_says_changes_nothing() -> None:
    given(OPENED, HELLO, EDITED).when(EDIT, by=GRACE).then()
    given(OPENED, HELLO).when(EditMessage(room=GENERAL, message_id=HELLO_ID, message="hello"), by=GRACE).then()


def test_its_author_and_the_owner_redact_a_message_and_nobody_else() -> None:
    given(OPENED, HELLO, EDITED).when(REDACT, by=GRACE).then(REDACTED)
    given(OPENED, HELLO).when(REDACT, by=ADA).then(MessageRedacted(**by(ADA), message_id=HELLO_ID, reason="too soon"))
    given(OPENED, HELLO).when(REDACT, by=LINUS).then_refused(Forbidden)
    given(OPENED, HELLO, REDACTED).when(REDACT, by=LINUS).then_refused(Forbidden)


def test_redacting_twice_changes_nothing() -> None:
    again = RedactMessage(room=GENERAL, message_id=HELLO_ID, reason="another")
    for person in (GRACE, ADA):
        given(OPENED, HELLO, REDACTED).when(again, by=person).then()


def test_a_redacted_message_cannot_be_edited_not_even_to_what_it_said() -> None:
    for text in ("hello", "hello, all", "more"):
        command = EditMessage(room=GENERAL, message_id=HELLO_ID, message=text)
        given(OPENED, HELLO, REDACTED).when(command, by=GRACE).then_refused(Redacted)


@pytest.mark.parametrize("command", [EDIT, REDACT])
def test_a_message_that_is_not_there_cannot_change(command: EditMessage | RedactMessage) -> None:
    given(OPENED).when(command, by=GRACE).then_refused(NotFound)
    given().when(command, by=GRACE).then_refused(NotFound)
    given(PRIVATE, HELLO).when(command, by=GRACE).then_refused(NotFound)


@pytest.mark.parametrize("command", [EDIT, REDACT])
def test_who_cannot_post_cannot_change_anything(command: EditMessage | RedactMessage) -> None:
    given(OPENED, HELLO, BANNED).when(command, by=GRACE).then_refused(Banned)
    given(OPENED, HELLO, ARCHIVED).when(command, by=GRACE).then_refused(Archived)


@pytest.mark.parametrize("text", ["", " \n", "x" * 10_001, "a\0b", "\ud800"])
def test_an_edit_says_what_a_message_may_say(text: str) -> None:
    command = EditMessage(room=GENERAL, message_id=HELLO_ID, message=text)
    given(OPENED, HELLO).when(command, by=GRACE).then_refused(InvalidField, "message")


@pytest.mark.parametrize("reason", ["x" * 501, "a\0", "\udfff"])
def test_a_reason_is_short_text(reason: str) -> None:
    command = RedactMessage(room=GENERAL, message_id=HELLO_ID, reason=reason)
    given(OPENED, HELLO).when(command, by=GRACE).then_refused(InvalidField, "reason")


@pytest.mark.parametrize("message_id", ["", "hello", HELLO_ID.upper() + "0", HELLO_ID + "\n"])
def test_what_cannot_be_a_message_id_is_named(message_id: str) -> None:
    edit = EditMessage(room=GENERAL, message_id=message_id, message="hi")
    redact = RedactMessage(room=GENERAL, message_id=message_id)
    for command in (edit, redact):
        given(OPENED, HELLO).when(command, by=GRACE).then_refused(InvalidField, "message_id")


@pytest.mark.parametrize("changes", [(EDITED,), (EDITED, REDACTED), (REDACTED,)])
def test_a_retry_is_compared_with_what_was_said_at_first(changes: tuple[Event, ...]) -> None:
    state = given(OPENED, HELLO, *changes).message(HELLO_ID)
    assert (state.seq, state.posted.seq) == (2 + len(changes), 2)
    check_same(state, PostMessage(room=GENERAL, message="hello", client_msg_id="hello-1"))
    with pytest.raises(IdempotencyMismatch):
        check_same(state, PostMessage(room=GENERAL, message="hello, all", client_msg_id="hello-1"))


def test_what_an_erased_person_said_is_not_found_in_their_edits() -> None:
    erased = MessagePosted(**by(GRACE), message_id=HELLO_ID, message="", handle="")
    state = given(OPENED, erased, MessageEdited(**by(GRACE), message_id=HELLO_ID, message="")).message(HELLO_ID)
    with pytest.raises(Gone):
        check_same(state, PostMessage(room=GENERAL, message="hello"))


def test_a_message_is_what_its_first_and_its_last_event_make_it() -> None:
    def fold(events: list[tuple[int, Event]]) -> State:
        return reduce(lambda state, at: evolve(state, Numbered(at[0], at[0] + 100), at[1]), events, blank("message:"))

    edits = [MessageEdited(**by(GRACE), message_id=HELLO_ID, message=f"hello {n}") for n in range(3)]
    life = list(enumerate([HELLO, *edits, MessageRedacted(**by(ADA), message_id=HELLO_ID)], 2))
    for length in range(1, len(life) + 1):
        assert fold(life[:length]) == fold([life[0], *life[1:length][-1:]])
