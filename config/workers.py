"""The parent of several web processes: starts them, replaces those that die, and all of them, one by one, on SIGHUP.

Every place has listening sockets of its own, which the parent holds as well: while a place has no process, or two of
them, connections wait in its queue, and none is refused.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain

from realtime.affinity import Mail

log = logging.getLogger("verbatim.workers")

READY_S = 120.0
"""A worker that does not accept connections after so long is given up."""
STOP_S = 9.5
"""A worker that was told to leave and has not after so long is killed; it tries to be gone earlier by itself."""
SHORT_S = 5.0
"""A worker that lived shorter has died at once: the next one is started a little later each time."""
MAX_PAUSE_S = 5.0


class Worker:
    """One web process. It tells over a pair of sockets that it is ready, and leaves when our end is gone."""

    def __init__(self, process: Process, lifeline: socket.socket, number: int) -> None:
        self.number = number
        self.began = time.monotonic()
        self._process = process
        self._lifeline = lifeline

    @classmethod
    async def start(cls, command: Sequence[str], place: "Place", number: int) -> "Worker":
        """Start a process of its own group, so that Ctrl-C reaches the parent alone."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            inherited = {"inherited": [each.fileno() for each in (*place.sockets, theirs)], "mail": place.mail}
            process = await asyncio.create_subprocess_exec(
                *command,
                f"--place={place.number}",
                *(f"--{name}={','.join(map(str, files))}" for name, files in inherited.items() if files),
                pass_fds=list(chain.from_iterable(inherited.values())),
                process_group=0,
                env={**os.environ, "VERBATIM_WORKER": str(number)},
            )
        return cls(process, ours, number)

    @property
    def pid(self) -> int:
        return self._process.pid

    async def ready(self) -> bool:
        """Whether it came to accept connections."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(READY_S):
                return bool(await asyncio.get_running_loop().sock_recv(self._lifeline, 1))
        return False

    async def ended(self) -> int:
        """Wait for its end; answers its exit code, negative for a signal."""
        code = await self._process.wait()
        self._lifeline.close()
        return code

    async def stop(self) -> None:
        """Tell it to leave; it is gone when this returns."""
        with suppress(ProcessLookupError):
            self._process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self.ended()
                return
        log.error("worker %d hangs: killing it", self.pid)
        with suppress(ProcessLookupError):
            self._process.kill()
        await self.ended()


class Place:
    """Where one worker stands, with what stays when it goes: the listening sockets, and the files of `Mail`."""

    def __init__(self, number: int, sockets: Sequence[socket.socket], mail: Sequence[int]) -> None:
        self.number = number
        self.sockets = sockets
        self.mail = mail
        self.present: Worker | None = None
        self.changing = asyncio.Lock()


class Workers:
    """As many workers as there are places, until SIGTERM or SIGINT. `command` is a worker's command line.

    With `affinity` they hand each other connections (realtime/affinity.py).
    """

    def __init__(
        self, command: Sequence[str], places: Sequence[Sequence[socket.socket]], *, affinity: bool = False
    ) -> None:
        self._command = command
        self._mail = Mail(len(places)) if affinity else None
        self._places = [
            Place(number, sockets, self._mail.files(number) if self._mail else ())
            for number, sockets in enumerate(places)
        ]
        self._living: set[Worker] = set()
        self._numbers: set[int] = set()
        self._stopping = asyncio.Event()
        self._rolling = asyncio.Event()
        self._cannot_start = False

    async def run(self) -> bool:
        """Keep the workers running until told to stop. False if one could not even start the first time."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._rolling.set)
        tasks = [loop.create_task(self._keep(place)) for place in self._places]
        tasks.append(loop.create_task(self._roll_when_told()))
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for place in self._places:
            for each in place.sockets:
                each.close()
        if self._mail:
            self._mail.close()
        await asyncio.gather(*(worker.stop() for worker in self._living))
        return not self._cannot_start

    async def _keep(self, place: Place) -> None:
        """See to it that there is a worker at this place."""
        worker = place.present = await self._start(place)
        if not await worker.ready():
            self._cannot_start = True
            self._stopping.set()
            return
        deaths = 0
        while True:
            code = await self._see_out(worker)
            if worker is place.present:
                deaths = deaths + 1 if time.monotonic() - worker.began < SHORT_S else 0
                pause_s = min(MAX_PAUSE_S, 0.25 * 2**deaths) if deaths else 0.0
                log.error("worker %d ended (%d): starting another in %.1f s", worker.pid, code, pause_s)
                if self._mail:
                    self._mail.leave(place.number)
                await asyncio.sleep(pause_s)
            async with place.changing:
                if worker is place.present:
                    place.present = await self._start_somehow(place)
                worker = place.present

    async def _start_somehow(self, place: Place) -> Worker:
        while True:
            try:
                return await self._start(place)
            except OSError as error:
                log.error("a worker cannot be started: %s", error)  # noqa: TRY400 - where is known
                await asyncio.sleep(MAX_PAUSE_S)

    async def _roll_when_told(self) -> None:
        while True:
            await self._rolling.wait()
            self._rolling.clear()
            for place in self._places:
                if not await self._replace(place):
                    log.error("a new worker cannot start: keeping those that there are")
                    break
            else:
                log.info("all workers were replaced")

    async def _replace(self, place: Place) -> bool:
        """Let a new worker accept connections, then the present one leave. False if the new one cannot start."""
        async with place.changing:
            try:
                successor = await self._start(place)
            except OSError:
                return False
            if not await successor.ready():
                await successor.stop()
                await self._see_out(successor)
                return False
            former, place.present = place.present, successor
        if former:
            log.info("worker %d takes the place of %d", successor.pid, former.pid)
            await former.stop()
        return True

    async def _start(self, place: Place) -> Worker:
        """Raises: OSError."""
        number = min(set(range(len(self._numbers) + 1)) - self._numbers)
        self._numbers.add(number)
        try:
            worker = await Worker.start(self._command, place, number)
        except BaseException:
            self._numbers.discard(number)
            raise
        self._living.add(worker)
        return worker

    async def _see_out(self, worker: Worker) -> int:
        """Wait for a worker's end; answers its exit code."""
        code = await worker.ended()
        self._living.discard(worker)
        self._numbers.discard(worker.number)
        return code
