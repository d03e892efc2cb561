"""What was redacted since the history looked is hidden at once: the log knows it before the read model does."""

from collections.abc import Sequence

from commands.errors import Unavailable
from commands.subscription import Log, StoreUnavailable
from projections import items


async def hide_redacted(log: Log, room: str, encoded: Sequence[bytes], *, head_seq: int) -> list[bytes]:
    """The items of a page, as the log lets readers see them; `head_seq` is how far the history of the room had come.

    Costs a look at the room's head, and only where that is further, one at the last events about these messages.
    Raises: Unavailable.
    """
    if not encoded:
        return []
    subjects = [f"message:{items.id_of(item)}" for item in encoded]
    try:
        if await log.head(room) <= head_seq:
            return list(encoded)
        redacted = await log.redacted_among(room, subjects)
    except StoreUnavailable:
        raise Unavailable from None
    return [
        items.hidden(item) if subject in redacted else item for subject, item in zip(subjects, encoded, strict=True)
    ]
