"""`python -m bench.filling EVENTS`: a room of so many events in the server that the environment names; prints its key.

Of ten events seven are messages of a dozen words, two reactions, one is an edit of one of the last messages.
"""

import asyncio
import random
import sys
from collections import deque
from collections.abc import Iterator

import django

django.setup()

from django.conf import settings  # noqa: E402 - after Django

from commands.events import Cause, MessageEdited, MessagePosted, ReactionAdded, RoomOpened  # noqa: E402
from commands.restoring import Decided, Restoring  # noqa: E402
from commands.treehead import key_as_text  # noqa: E402
from config import parts  # noqa: E402
from tests.cast import GENERAL, NOON  # noqa: E402

PERSONS = 200
WORDS = ("the", "room", "was", "quiet", "until", "somebody", "said", "that", "kettle", "had", "been", "on", "for", "an")


def events(count: int) -> Iterator[Decided]:
    """The events, a second apart."""
    chance = random.Random(6)
    latest: deque[str] = deque(maxlen=1000)
    yield Decided(
        GENERAL,
        RoomOpened(actor="guest:0", occurred_at=NOON, request_id="r", title="A busy room", visibility="public"),
    )
    for number in range(1, count):
        who = f"guest:{chance.randrange(PERSONS):016x}"
        stamp = Cause(who, NOON + number * 1000, f"{number:032x}", "192.0.2.7").stamp()
        text = " ".join(chance.choices(WORDS, k=12))
        match chance.randrange(10) if latest else 0:
            case 8 | 9:
                emoji = chance.choice("👍🫖🎉😂🔥")
                yield Decided(GENERAL, ReactionAdded(**stamp, message_id=chance.choice(latest), emoji=emoji))
            case 7:
                yield Decided(GENERAL, MessageEdited(**stamp, message_id=chance.choice(latest), message=text))
            case _:
                latest.append(f"{NOON + number * 1000:012x}{chance.getrandbits(80):020x}")
                posted = MessagePosted(**stamp, message_id=latest[-1], message=text, handle=f"Guest-{who[6:10]}")
                yield Decided(GENERAL, posted)


async def fill(count: int) -> None:
    """Append them."""
    deployment = parts.build()
    await deployment.open()
    await Restoring(deployment.store, deployment.mapper).append(events(count))
    await deployment.close()


if __name__ == "__main__":
    asyncio.run(fill(int(sys.argv[1])))
    print(key_as_text(settings.SIGNING_KEY.public_key))
