"""The replays of one socket: a room's past beside its present, one for each room."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from msgspec import UNSET

from commands.clock import moment
from commands.errors import AfterBeyondHead, InvalidField, NotFound, RateLimited
from commands.subscription import Fact, Log
from realtime.client_frames import Pause, Replay, Resume, Seek, Stop
from realtime.close_codes import CloseCode
from realtime.encoding import event
from realtime.hub import Hub
from realtime.hubs import Hubs
from realtime.outlet import Outlet, Stalled
from realtime.player import Pace, Player
from realtime.protocol import MAX_REPLAYS
from realtime.server_frames import Replaying

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
"""About how much is sent before the client has taken most of it."""

type Control = Pause | Resume | Seek | Stop


class Screen:
    """The socket as a player's audience."""

    def __init__(self, outlet: Outlet, end: Callable[[], None]) -> None:
        self._outlet = outlet
        self.end = end

    def show(self, facts: Sequence[Fact]) -> int:
        """Send the first of these events, as many as the socket takes at once."""
        frames: list[bytes] = []
        size = 0
        for fact in facts:
            if size > CHUNK_BYTES:
                break
            frames.append(event(fact, replay=True))
            size += len(frames[-1])
        self._outlet.put(b"".join(frames))
        return len(frames)

    async def ready(self) -> None:
        """Wait until the client has taken most of it."""
        await self._outlet.drained()


class Playing(NamedTuple):
    """A replay, and the hub of its room: it tells of whoever is banned meanwhile."""

    player: Player
    task: asyncio.Task[None]
    hub: Hub


class Replays:
    """What plays for one socket. `say` sends a frame: it is told when one has come to its end."""

    def __init__(self, hubs: Hubs, outlet: Outlet, say: Callable[[Replaying], None]) -> None:
        self._hubs = hubs
        self._log = hubs.log
        self._outlet = outlet
        self._say = say
        self._playing: dict[str, Playing] = {}

    async def begin(self, frame: Replay, hub: Hub, head: int) -> Replaying:
        """Play a room that one has come into, from the beginning if it plays already; `hub` is left in the end.

        Raises: InvalidField, AfterBeyondHead, RateLimited for too many, StoreUnavailable.
        """
        try:
            player = await self._make(frame, head)
        except BaseException:
            self._hubs.leave(hub)
            raise
        self.stop(frame.room)
        screen = Screen(self._outlet, lambda: self._say(_replaying(player)))
        task = asyncio.create_task(self._run(player, screen), name=f"replay {frame.room}")
        self._playing[frame.room] = Playing(player, task, hub)
        return _replaying(player, frame.id)

    async def _make(self, frame: Replay, head: int) -> Player:
        first = max(1, await self._seq(frame.room, "from", frame.from_, since=True))
        last = head if frame.to is None else await self._seq(frame.room, "to", frame.to, since=False)
        if max(first if isinstance(frame.from_, int) else 1, last) > head:
            raise AfterBeyondHead
        if frame.room not in self._playing and len(self._playing) >= MAX_REPLAYS:
            raise RateLimited(f"A socket replays at most {MAX_REPLAYS} rooms at a time: stop one.")
        return Player(self._log, frame.room, first, last, Pace(frame.speed, frame.max_gap_ms))

    async def control(self, frame: Control) -> Replaying:
        """Do what is asked of a replay. Raises: NotFound if there is none, InvalidField, StoreUnavailable."""
        player = self._find(frame.room)
        match frame:
            case Pause():
                player.pause()
            case Resume(speed=speed):
                player.resume(speed)
            case Seek():
                seq = await self._sought(frame, player.end)
                player = self._find(frame.room)
                player.seek(seq)
            case Stop():
                self.stop(frame.room)
        return _replaying(player, frame.id, stopped=isinstance(frame, Stop))

    @property
    def rooms(self) -> AbstractSet[str]:
        """What plays, or has played to its end."""
        return self._playing.keys()

    def plays(self, room: str) -> bool:
        """Whether a room plays, or has played to its end."""
        return room in self._playing

    def stop(self, room: str) -> None:
        """Play a room no more, if it plays."""
        if playing := self._playing.pop(room, None):
            playing.task.cancel()
            self._hubs.leave(playing.hub)

    def stop_all(self) -> None:
        """Play nothing more."""
        for room in list(self._playing):
            self.stop(room)

    def _find(self, room: str) -> Player:
        """Raises: NotFound."""
        if room not in self._playing:
            raise NotFound("Nothing of this room is being replayed here.")
        return self._playing[room].player

    async def _run(self, player: Player, screen: Screen) -> None:
        try:
            await player.run(screen)
        except Stalled:
            log.info("%s: nobody watched the replay after %d", player.room, player.seq)
        except Exception:
            log.exception("%s: the replay failed after %d", player.room, player.seq)
            self._outlet.on_trouble(CloseCode.INTERNAL)

    async def _sought(self, frame: Seek, end: int) -> int:
        """Raises: InvalidField."""
        if (frame.seq is None) == (frame.to is None):
            raise InvalidField.of("seq", "send one of `seq` and `to`")
        name, wanted = ("seq", frame.seq) if frame.to is None else ("to", frame.to)
        seq = max(1, await self._seq(frame.room, name, wanted, since=True))
        if seq > end and isinstance(wanted, int):
            raise InvalidField.of(name, f"the replay ends with {end}")
        return seq

    async def _seq(self, room: str, name: str, wanted: int | str | None, *, since: bool) -> int:
        """The seq that is meant: the first one `since` on, or the last one until then. Raises: InvalidField."""
        try:
            return await seq_of(self._log, room, wanted or 0, since=since)
        except ValueError as error:
            raise InvalidField.of(name, str(error)) from None


async def seq_of(log: Log, room: str, wanted: int | str, *, since: bool) -> int:
    """A seq, or of an RFC 3339 time the first one `since`, or the last one until then. Raises: ValueError."""
    if isinstance(wanted, int):
        return wanted
    time = moment(wanted)
    return await log.seq_at(room, time - 1) + 1 if since else await log.seq_at(room, time)


def _replaying(player: Player, frame_id: str | int | None = None, *, stopped: bool = False) -> Replaying:
    """How a replay stands."""
    return Replaying(
        id=UNSET if frame_id is None else frame_id,
        room=player.room,
        state="stopped" if stopped else player.state,
        seq=player.seq,
        to=player.end,
        speed=player.speed,
    )
