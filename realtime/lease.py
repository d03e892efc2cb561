"""What this process has told the others about one room, and what they say. It counts as long as it is renewed.

What was told is told again until it is confirmed. In doubt (the others were away, or do not know us any more) the
whole is told under a new name, and what went under the old one runs out: nobody has to find out what got lost.
"""

from collections.abc import Callable, Mapping
from itertools import count, islice
from typing import NamedTuple

import msgspec

SHARE_S = 1.0
"""How often one process says something new about one room, at most."""
LEASE_S = 30.0
"""How long what was said counts; it is renewed three times as often."""
CHUNK = 1000
"""People about whom something is said at once; the others are next."""
PATIENCE_S = 2.0
"""How long an answer is waited for before the room is shown only who is here."""
CONFIRM_S = 10.0
UNKNOWN = "?"
_LONG_AGO = float("-inf")


class News(msgspec.Struct, array_like=True, frozen=True):
    """What is known of a room by all processes together: how many people, the first of them as (person, handle).

    `told`: lease, number, lease, number …: the last claim of each that this rests on, UNKNOWN for one that must tell
    everything again. `more`: some who are gone are still counted; the next claim takes them out.
    """

    count: int
    present: list[tuple[str, str]]
    told: list[str]
    more: bool = False


class Claim(NamedTuple):
    """What is said of a room: who joined, as what, and who left. `is_known`: the lease was confirmed before."""

    lease: str
    number: int
    joined: list[tuple[str, str]]
    left: list[str]
    is_known: bool = False
    instead_of: str = ""


class Lease:
    """The lease of one room. `process` is part of its name; `people` tells the handles of everybody who is here.

    It has to be renewed every `renew_s`.
    """

    __slots__ = (
        "_again", "_known", "_number", "_old", "_people", "_process", "_renew_s", "_sent_at", "_unconfirmed", "_unsent",
        "_waiting_since", "is_away", "name", "news",
    )  # fmt: skip
    _names = count(1)

    def __init__(self, process: str, people: Callable[[], Mapping[str, str]], renew_s: float) -> None:
        self._process = process
        self._renew_s = renew_s
        self._people = people
        self.news: News | None = None
        self.is_away = False
        self.name = self._old = ""
        self._sent_at = _LONG_AGO
        self._waiting_since: float | None = None
        self._begin()

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to say, and nothing to be heard."""
        return not (self._unsent or self._unconfirmed or self._again)

    def is_due(self, now: float) -> bool:
        """Whether something may be said now: something new, or that we are still here."""
        return now - self._sent_at >= (self._renew_s if self.is_settled else SHARE_S)

    def awaits(self, now: float) -> bool:
        """Whether an answer may come any moment, so that it is too early to count without the others."""
        if self.news or self.is_away:
            return False
        return self._waiting_since is None or now - self._waiting_since < PATIENCE_S

    def is_overdue(self, now: float) -> bool:
        """Whether an answer has not come for so long that something must be wrong."""
        return self._waiting_since is not None and now - self._waiting_since >= CONFIRM_S

    def note(self, person: str, handle: str | None) -> None:
        """Somebody is here, as `handle`, or has left."""
        if handle is None and not self._number:
            self._unsent.pop(person, None)
        else:
            self._unsent[person] = handle

    def next(self, now: float) -> Claim:
        """What to say now."""
        for person in list(islice(self._unsent, max(0, CHUNK - len(self._unconfirmed)))):
            self._unconfirmed[person] = self._unsent.pop(person)
        if self._unconfirmed or not self._number:
            self._number += 1
            self._waiting_since = now if self._waiting_since is None else self._waiting_since
        self._sent_at, self._again, self.is_away = now, False, False
        joined = [(person, handle) for person, handle in self._unconfirmed.items() if handle is not None]
        left = [person for person, handle in self._unconfirmed.items() if handle is None]
        old = "" if self._unsent else self._old
        return Claim(self.name, self._number, joined, left, self._known, old)

    def hear(self, news: News) -> bool:
        """Take what the others say; answers whether it can be counted on."""
        told = dict(zip(news.told[::2], news.told[1::2], strict=True)).get(self.name)
        if told is None:
            return False
        if told == UNKNOWN:
            self.doubt()
            return False
        self.news, self._known, self._again = news, True, news.more
        if told == str(self._number):
            self._unconfirmed.clear()
            self._waiting_since = None
            self._old = "" if not self._unsent else self._old
        return True

    def lose(self, now: float) -> None:
        """The others cannot be told anything now."""
        self._sent_at = now
        self.is_away = True
        if self._number:
            self.doubt()

    def doubt(self) -> None:
        """Count on nothing that was told or heard, and begin anew."""
        self._old = self.name
        self.news = None
        self._begin()

    def _begin(self) -> None:
        self.name = f"{self._process}.{next(self._names)}"
        self._number = 0
        self._known = self._again = False
        self._waiting_since = None
        self._unsent: dict[str, str | None] = dict(self._people())
        self._unconfirmed: dict[str, str | None] = {}
