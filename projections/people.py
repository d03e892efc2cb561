"""Who took part where, and in which events: what concerns a person is found without a search."""

from collections.abc import Sequence

from commands.events import PersonEvent
from commands.people import NO_ROOMS, PersonErased, PersonHeld, PersonReleased
from commands.subscription import Fact
from projections.rows import Table, insert_new

ROOMS = Table("person_room", {"person": "text", "room": "text", "position": "bigint"}, keys=2)
_ABOUT = (PersonEvent, PersonErased, PersonHeld, PersonReleased)
EVENTS = Table("person_event", {"person": "text", "position": "bigint"}, keys=2)


class People:
    """Projects the rooms in which each person did something, and the events that they did, or that are about them.

    It needs nothing that is sealed, and nothing that came before: an event that cannot be read is passed over.
    """

    name = "people"
    tables = (ROOMS.name, EVENTS.name)
    unkeyed = (ROOMS, EVENTS)
    repeating = (ROOMS,)
    parks = False
    can_wait = False

    def apply(self, facts: Sequence[Fact]) -> None:
        """See `Projection.apply`."""
        rooms: dict[tuple[str, str], int] = {}
        events: list[tuple[str, int]] = []
        for recorded, event, _ in facts:
            if event is None:
                continue
            events.append((event.actor, recorded.position))
            if isinstance(event, _ABOUT) and event.person != event.actor:
                events.append((event.person, recorded.position))
            if recorded.stream not in NO_ROOMS:
                rooms.setdefault((event.actor, recorded.stream), recorded.position)
        insert_new(ROOMS, [(*key, position) for key, position in rooms.items()])
        insert_new(EVENTS, events)
