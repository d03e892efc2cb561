"""The socket: what comes in is stored, then sent to the room's group."""

import json
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from bench.rivals.stock.models import Message, Room


class ChatConsumer(AsyncWebsocketConsumer):
    """One member of a room."""

    async def connect(self) -> None:
        label = self.scope["url_route"]["kwargs"]["label"]
        self.room, _ = await database_sync_to_async(Room.objects.get_or_create)(label=label)
        self.group = f"chat-{label}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Store a message, then tell the group."""
        said = json.loads(text_data or "{}")
        create = database_sync_to_async(Message.objects.create)
        message = await create(room=self.room, handle=said["handle"], message=said["message"])
        await self.channel_layer.group_send(self.group, {"type": "chat.message", "message": message.as_dict()})

    async def chat_message(self, event: dict[str, Any]) -> None:
        """Send what the group was told."""
        await self.send(text_data=json.dumps(event["message"]))
