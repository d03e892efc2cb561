"""One batch of events, applied to one projection together with its checkpoint. Synchronous, on one thread."""

import logging
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, transaction

from commands.subscription import Fact
from projections import checkpoints
from projections.projection import Projection

log = logging.getLogger(__name__)


class Applier:
    """Brings one projection forward. Everything of a batch is committed together, or nothing."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.position = 0
        self._parked: set[str] = set()

    def load(self) -> None:
        """Begin where the checkpoint is."""
        self.position = checkpoints.load(self.projection.name)
        self._parked = checkpoints.parked(self.projection.name)

    def apply(self, facts: Sequence[Fact]) -> None:
        """Apply what is new of these events, or set the rooms aside whose events cannot be applied.

        Raises: LostLead, and the database's errors when it cannot be reached: nothing was changed then.
        """
        news = [fact for fact in facts if fact.recorded.position > self.position]
        if not news:
            return
        try:
            self._commit(news, parked=self._parked)
        except Exception as error:
            if not _is_due_to_an_event(error):
                raise
            log.exception("projection %s cannot apply a batch: going room by room", self.projection.name)
            self._commit_room_by_room(news)
        self.position = news[-1].recorded.position

    def heartbeat(self) -> None:
        """Show that somebody runs this projection although nothing happens. Raises: LostLead."""
        checkpoints.move(self.projection.name, self.position, self.position)

    def replay(self, facts: Sequence[Fact]) -> None:
        """Apply events of a parked room; those beyond the checkpoint come again, which changes nothing.

        Raises: whatever parked the room.
        """
        with transaction.atomic():
            self.projection.apply(facts)

    def release(self, room: str, complete_to: int) -> bool:
        """Follow a parked room again if all its events up to the checkpoint were replayed."""
        if self.position > complete_to:
            return False
        checkpoints.unpark(self.projection.name, room)
        self._parked.discard(room)
        return True

    def _commit(self, news: Sequence[Fact], parked: set[str]) -> None:
        with transaction.atomic():
            self.projection.apply([fact for fact in news if fact.recorded.stream not in parked])
            checkpoints.move(self.projection.name, self.position, news[-1].recorded.position)

    def _commit_room_by_room(self, news: Sequence[Fact]) -> None:
        room_of = attrgetter("recorded.stream")
        aside = set(self._parked)
        with transaction.atomic():
            for room, facts in groupby(sorted(news, key=room_of), key=room_of):
                if room not in aside and not self._try_room(list(facts)):
                    aside.add(room)
            checkpoints.move(self.projection.name, self.position, news[-1].recorded.position)
        self._parked = aside

    def _try_room(self, facts: Sequence[Fact]) -> bool:
        """Apply one room's events one by one, as far as they can be; park it at the first that cannot."""
        for fact in facts:
            try:
                with transaction.atomic():
                    self.projection.apply([fact])
            except Exception as error:
                if not _is_due_to_an_event(error):
                    raise
                row = fact.recorded
                log.exception("projection %s parks room %s at seq %d", self.projection.name, row.stream, row.seq)
                checkpoints.park(self.projection.name, fact, error)
                return False
        return True


def _is_due_to_an_event(error: Exception) -> bool:
    """Whether an event is to blame, and not the database, a missing table or a lead that was lost."""
    if isinstance(error, DataError | IntegrityError):
        return True
    return not isinstance(error, DatabaseError | InterfaceError | checkpoints.LostLead)
