"""Which part of the record an export is of."""

from typing import NamedTuple

from commands.clock import Milliseconds, rfc3339


class Part(NamedTuple):
    """A room up to the event `upto`, or, without a room, every stream; nothing is beyond `position`.

    `as_of` is what was asked for: a seq, or of everything a time; None for all there is. `auditor` says for whom it is.
    """

    room: str | None
    upto: int
    position: int
    auditor: bool
    exported_at: Milliseconds
    as_of: int | None = None
    as_of_time: Milliseconds | None = None

    @property
    def view(self) -> str:
        return "auditor" if self.auditor else "reader"

    @property
    def is_complete(self) -> bool:
        """Whether it is everything, as it is."""
        return self.room is None and self.as_of_time is None

    @property
    def moment(self) -> int | str | None:
        """The moment as the file tells it."""
        return rfc3339(self.as_of_time) if self.as_of_time is not None else self.as_of

    def file_name(self, extension: str) -> str:
        """What the file is called: letters, digits, `_` and `-`."""
        moment = "" if self.moment is None else f"-as-of-{str(self.moment).replace(':', '').replace('.', '-')}"
        return f"{self.room or 'verbatim'}{moment}.{extension}"
