"""Reactions: who may give them, which emoji there are, and that twice is once."""

import pytest

from commands.errors import Archived, Banned, Forbidden, InvalidField, NotFound, Redacted
from commands.events import MemberBanned, MessageEdited, MessageRedacted, ReactionAdded, ReactionRemoved, RoomChanged
from commands.reaction import MAX_CHANGES, MAX_EMOJI, MAX_REACTIONS, React, Unreact
from tests.cast import ADA, GENERAL, GRACE, LINUS
from tests.commands.given import HELLO, HELLO_ID, OPENED, PRIVATE, by, given

TEA = React(room=GENERAL, message_id=HELLO_ID, emoji="🫖")
NO_TEA = Unreact(room=GENERAL, message_id=HELLO_ID, emoji="🫖")
ADDED = ReactionAdded(**by(LINUS), message_id=HELLO_ID, emoji="🫖")
REMOVED = ReactionRemoved(**by(LINUS), message_id=HELLO_ID, emoji="🫖")
REDACTED = MessageRedacted(**by(GRACE), message_id=HELLO_ID)


def test_anybody_reacts_and_takes_it_back() -> None:
    given(OPENED, HELLO).when(TEA, by=LINUS).then(ADDED)
    given(OPENED, HELLO, ADDED).when(NO_TEA, by=LINUS).then(REMOVED)
    given(OPENED, HELLO, ADDED, REMOVED).when(TEA, by=LINUS).then(ADDED)


def test_reacting_twice_and_taking_back_what_is_not_there_change_nothing() -> None:
    given(OPENED, HELLO, ADDED).when(TEA, by=LINUS).then()
    given(OPENED, HELLO).when(NO_TEA, by=LINUS).then()
    given(OPENED, HELLO, ADDED, REMOVED).when(NO_TEA, by=LINUS).then()


def test_everybody_and_every_emoji_counts_for_itself() -> None:
    theirs = ReactionAdded(**by(ADA), message_id=HELLO_ID, emoji="🫖")
    given(OPENED, HELLO, ADDED).when(TEA, by=ADA).then(theirs)
    given(OPENED, HELLO, ADDED).when(NO_TEA, by=ADA).then()
    heart = ReactionAdded(**by(LINUS), message_id=HELLO_ID, emoji="❤️")
    given(OPENED, HELLO, ADDED).when(React(room=GENERAL, message_id=HELLO_ID, emoji="❤️"), by=LINUS).then(heart)


def test_an_edited_message_takes_reactions_and_a_redacted_one_none() -> None:
    edited = MessageEdited(**by(GRACE), message_id=HELLO_ID, message="hello, all")
    given(OPENED, HELLO, edited).when(TEA, by=LINUS).then(ADDED)
    for command in (TEA, NO_TEA):
        given(OPENED, HELLO, ADDED, REDACTED).when(command, by=LINUS).then_refused(Redacted)


@pytest.mark.parametrize("command", [TEA, NO_TEA])
def test_who_cannot_post_cannot_react(command: React | Unreact) -> None:
    given(OPENED).when(command, by=LINUS).then_refused(NotFound)
    given().when(command, by=LINUS).then_refused(NotFound)
    given(PRIVATE, HELLO).when(command, by=LINUS).then_refused(NotFound)
    banned = MemberBanned(**by(ADA), person=LINUS)
    given(OPENED, HELLO, banned).when(command, by=LINUS).then_refused(Banned)
    given(OPENED, HELLO, RoomChanged(**by(ADA), archived=True)).when(command, by=LINUS).then_refused(Archived)


@pytest.mark.parametrize(
    "emoji",
    [
        "👍",
        "❤️",
        "1️⃣",
        "👩🏻‍❤️‍💋‍👩🏻",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "+1",
        ":)",
        "é",
        "😀" * 16,
    ],
)
def test_emoji_are_kept_as_they_are(emoji: str) -> None:
    command = React(room=GENERAL, message_id=HELLO_ID, emoji=emoji)
    given(OPENED, HELLO).when(command, by=LINUS).then(ReactionAdded(**by(LINUS), message_id=HELLO_ID, emoji=emoji))


@pytest.mark.parametrize(
    "emoji",
    ["", " ", "a b", "x" * (MAX_EMOJI + 1), "\0", "👍\0", "\ud83e", "\n",
     "\x7f", "\u202e", "\u200b", "\u200d", "\ufe0f", "\u2028",
     "\ue000", "\uffff", ".", "..", "a/b"],
)  # fmt: skip
def test_what_cannot_be_an_emoji_is_refused(emoji: str) -> None:
    for command in (React, Unreact):
        asked = command(room=GENERAL, message_id=HELLO_ID, emoji=emoji)
        given(OPENED, HELLO).when(asked, by=LINUS).then_refused(InvalidField, "emoji")


@pytest.mark.parametrize("message_id", ["", "hello", HELLO_ID.upper() + "0"])
def test_what_cannot_be_a_message_id_is_named(message_id: str) -> None:
    for command in (React, Unreact):
        asked = command(room=GENERAL, message_id=message_id, emoji="👍")
        given(OPENED, HELLO).when(asked, by=LINUS).then_refused(InvalidField, "message_id")


def test_one_person_gives_a_message_only_so_many() -> None:
    many = [ReactionAdded(**by(LINUS), message_id=HELLO_ID, emoji=chr(0x1F600 + n)) for n in range(MAX_REACTIONS)]
    given(OPENED, HELLO, *many).when(TEA, by=LINUS).then_refused(InvalidField, "emoji")
    given(OPENED, HELLO, *many).when(React(room=GENERAL, message_id=HELLO_ID, emoji="😀"), by=LINUS).then()
    given(OPENED, HELLO, *many[1:]).when(TEA, by=LINUS).then(ADDED)


def test_nobody_changes_their_mind_for_ever_but_everybody_may_take_back_what_is_there() -> None:
    again_and_again = [ADDED, REMOVED] * (MAX_CHANGES // 2)
    given(OPENED, HELLO, *again_and_again[:-2]).when(TEA, by=LINUS).then(ADDED)
    given(OPENED, HELLO, *again_and_again).when(TEA, by=LINUS).then_refused(Forbidden)
    given(OPENED, HELLO, *again_and_again).when(NO_TEA, by=LINUS).then()
    given(OPENED, HELLO, *again_and_again).when(TEA, by=ADA).then(
        ReactionAdded(**by(ADA), message_id=HELLO_ID, emoji="🫖")
    )
    given(OPENED, HELLO, *again_and_again, ADDED).when(TEA, by=LINUS).then()
    given(OPENED, HELLO, *again_and_again, ADDED).when(NO_TEA, by=LINUS).then(REMOVED)
