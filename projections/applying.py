"""One batch of events, applied to one projection together with its checkpoint. Synchronous, on one thread."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import groupby
from operator import attrgetter

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, transaction

from commands.subscription import Fact
from projections import checkpoints, versions
from projections.projection import Projection, count_upto

log = logging.getLogger(__name__)


class Applier:
    """Brings one projection forward, or the version `beside` it. All of a batch is committed together, or nothing.

    Within a batch the checkpoint is moved first. Its row is locked from then on, so that whoever changes something
    else about the projection (the rooms that are set aside, the tables themselves) does it between two batches.
    """

    def __init__(self, projection: Projection, *, beside: bool = False) -> None:
        self.projection = projection
        self.name = versions.key_beside(projection.name) if beside else projection.name
        self.position = 0
        self.stands_still = False
        self._is_beside = beside
        self._tables = versions.beside if beside else nullcontext

    def load(self) -> None:
        """Begin where the checkpoint is."""
        self.stands_still = False
        self.position = checkpoints.load(self.name)

    def apply(self, facts: Sequence[Fact]) -> None:
        """Apply what is new of these events, or set the rooms aside whose events cannot be applied.

        A projection that sets no rooms aside stands still at such an event until it is loaded again; others go on. The
        version beside it raises what went wrong.
        Raises: LostLead, and the database's errors when it cannot be reached: nothing was changed then.
        """
        news = facts[count_upto(facts, self.position) :]
        if not news or self.stands_still:
            return
        try:
            self._commit(news)
        except Exception as error:
            if not is_due_to_an_event(error) or (self._is_beside and not self.projection.parks):
                raise
            if not self.projection.parks:
                log.exception("projection %s cannot apply a batch: it stands still", self.name)
                self.stands_still = True
                return
            log.exception("projection %s cannot apply a batch: going room by room", self.name)
            self._commit_room_by_room(news)
        self.position = news[-1].recorded.position

    def heartbeat(self) -> None:
        """Show that somebody runs this projection although nothing happens. Raises: LostLead."""
        checkpoints.move(self.name, self.position, self.position)

    def try_room(self, facts: Sequence[Fact]) -> bool:
        """Apply one room's events one by one, as far as they can be; park it at the first that cannot."""
        for fact in facts:
            try:
                self.write([fact])
            except Exception as error:
                if not is_due_to_an_event(error):
                    raise
                row = fact.recorded
                log.exception("projection %s parks room %s at seq %d", self.name, row.stream, row.seq)
                checkpoints.park(self.name, fact, error)
                return False
        return True

    def write(self, facts: Sequence[Fact]) -> None:
        """Apply events without moving the checkpoint. Raises: what the projection and the database raise."""
        with transaction.atomic(), self._tables():
            self.projection.apply(facts)

    def _commit(self, news: Sequence[Fact]) -> None:
        with transaction.atomic():
            checkpoints.move(self.name, self.position, news[-1].recorded.position)
            parked = checkpoints.parked(self.name) if self.projection.parks else ()
            followed = [fact for fact in news if fact.recorded.stream not in parked] if parked else news
            with self._tables():
                self.projection.apply(followed)

    def _commit_room_by_room(self, news: Sequence[Fact]) -> None:
        room_of = attrgetter("recorded.stream")
        with transaction.atomic():
            checkpoints.move(self.name, self.position, news[-1].recorded.position)
            parked = checkpoints.parked(self.name)
            for room, facts in groupby(sorted(news, key=room_of), key=room_of):
                if room not in parked:
                    self.try_room(list(facts))


def is_due_to_an_event(error: Exception) -> bool:
    """Whether an event is to blame, and not the database, a missing table or a lead that was lost."""
    if isinstance(error, DataError | IntegrityError):
        return True
    return not isinstance(error, DatabaseError | InterfaceError | checkpoints.LostLead)
