"""A client that reads history, and asks for what somebody was just told."""

import httpx

from tests.acceptance.clients import Client
from tests.acceptance.history import Read

LIMIT = 10


class Reader(Client):
    """Reads the newest page of one room after another, every other time at least up to the newest acknowledgement."""

    async def talk(self, connection: str) -> None:
        async with self.rest() as http:
            while not self.stopping:
                await self.pace()
                if self.history.positions:
                    await self._read(http, self._random.choice(sorted(self.history.positions)))

    async def _read(self, http: httpx.AsyncClient, room: str) -> None:
        told = self.history.positions[room] if self._random.random() < 0.5 else None
        wanted = {"limit": LIMIT} | ({"min_position": told} if told else {})
        answer = await http.get(f"/{room}/messages", params=wanted)
        if answer.status_code != 200:
            await self.refused(answer)
            return
        self.is_well()
        page = answer.json()
        items = [(item["seq"], item["message_id"]) for item in page["items"]]
        places = {name: page[name] for name in ("head_seq", "position")}
        self.history.add(
            Read(reader=self.name, room=room, min_position=told, limit=LIMIT, items=items, **places),
        )
