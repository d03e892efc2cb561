"""Who calls, and what they say."""

from commands.identity import Caller
from commands.message import PostMessage

ADA = Caller(person="guest:ada", handle="ada", request_id="r-ada", address="192.0.2.1", client="test")
GRACE = Caller(person="guest:grace", handle="grace", request_id="r-grace")


def say(message: str, client_msg_id: str | None = None, room: str = "general", **more: str) -> PostMessage:
    return PostMessage(room=room, message=message, client_msg_id=client_msg_id, **more)
