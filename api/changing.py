"""What every change of one message has in common."""

from django.http import HttpResponse

from api.answers import done
from api.credentials import caller
from api.places import check_message, check_room
from api.requests import Request
from commands.amending import EditMessage, RedactMessage
from commands.reaction import React, Unreact


async def change(request: Request, command: EditMessage | RedactMessage | React | Unreact) -> HttpResponse:
    """Carry it out, if there can be such a message. Raises: NotFound, and what refuses the command."""
    check_room(command.room)
    check_message(command.message_id)
    return done(await request.handlers.handle(command, caller(request)))
