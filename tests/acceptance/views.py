"""Everything that can be read of the rooms in the end: by REST, as a page and as the raw stream, and by SQL."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import httpx
import msgspec

from tests.acceptance.promises import Line, Logged, View
from tests.acceptance.rebuild import select, until_projected
from tests.servers import LOOPBACK

ANSWER_S = 30.0
STORED = "SELECT originator_id, originator_version, notification_id FROM stored_events ORDER BY 1, 2"


async def read_views(port: int, database_url: str, log: Sequence[Logged]) -> list[View]:
    """Every room from every source, once the read models have come to the end of the log."""
    await until_projected(database_url, max(event.position for event in log))
    views = []
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{port}/api/v1/rooms", timeout=ANSWER_S) as http:
        for room in sorted({event.room for event in log}):
            items = await read_to_the_end(http, f"/{room}/messages", limit=200)
            views.append(View("REST's history", room, [read_item(item) for item in items]))
            events = await read_to_the_end(http, f"/{room}/events", limit=1000)
            views.append(View("REST's stream", room, [read_event(event) for event in events], "events"))
    return [*views, *read_tables(database_url)]


async def read_to_the_end(http: httpx.AsyncClient, path: str, *, limit: int) -> list[dict[str, Any]]:
    """The items of all pages. Raises: httpx.HTTPStatusError."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["seq"] if found else 0
        page = (await http.get(path, params={"after": after, "limit": limit})).raise_for_status()
        if not (items := page.json()["items"]):
            return found
        found += items


def read_item(item: dict[str, Any]) -> Line:
    return Line(item["seq"], item["position"], item["message_id"], item["message"])


def read_event(event: dict[str, Any]) -> Line:
    said = event["data"]
    return Line(event["seq"], event["position"], said.get("message_id"), said.get("message"))


def read_tables(database_url: str) -> Iterator[View]:
    """What SQL finds: the read model's messages, and on PostgreSQL the places of the stored events."""
    rows = select(database_url, "SELECT room, item FROM history_item ORDER BY room, seq")
    for room, items in groupby(rows, itemgetter(0)):
        yield View("the table of messages", room, [read_item(msgspec.json.decode(bytes(item))) for _, item in items])
    if not database_url.startswith("sqlite:"):
        for room, places in groupby(select(database_url, STORED), itemgetter(0)):
            yield View("the table of events", room, [Line(seq, position) for _, seq, position in places], "places")
