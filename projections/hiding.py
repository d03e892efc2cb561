"""What readers may see of a page, and auditors of the past: the log knows it before the read model, and knows more."""

from collections.abc import Sequence

import msgspec

from commands.clock import rfc3339
from commands.errors import ProjectionBehind, Unavailable
from commands.subscription import Log, StoreUnavailable
from projections import items


def hide_forgotten(log: Log, room: str, encoded: Sequence[bytes], position: int) -> Sequence[bytes]:
    """Items of a read model that is at a position, without what is to be forgotten: mostly nothing.

    What is over in the room is so whatever the read model says: it finds it by the room's time, and clocks differ.
    Raises: ProjectionBehind, where so many people were erased that it is not known who.
    """
    erased = log.erasures.since(position) if encoded else frozenset[str]()
    if erased is None:
        raise ProjectionBehind(retry_after_ms=1000)
    over = log.erasures.over_before(room)
    if not (erased or over):
        return encoded
    return [items.forgotten(item, erased, rfc3339(over)) for item in encoded]


async def hide_redacted(log: Log, room: str, encoded: Sequence[bytes]) -> list[bytes]:
    """The items of a page that the log knows more of, as it lets readers see them.

    Costs one look at the last events about these, however often they were edited. Raises: Unavailable.
    """
    subjects = [_subject(item) for item in encoded]
    try:
        redacted = await log.redacted_among(room, subjects)
    except StoreUnavailable:
        raise Unavailable from None
    return [
        items.hidden(item) if subject in redacted else item for subject, item in zip(subjects, encoded, strict=True)
    ]


async def show_redacted(log: Log, room: str, encoded: Sequence[bytes], *, as_of: int) -> list[bytes]:
    """The items of a page of the past, those that were redacted since with what they said then: for auditors.

    Costs one look at the last events about these, however often they were edited. Raises: Unavailable.
    """
    missing = [_subject(item) for item in encoded if _lacks_text(item)]
    if not missing:
        return list(encoded)
    try:
        texts = await log.texts_as_of(room, missing, as_of)
    except StoreUnavailable:
        raise Unavailable from None
    return [
        items.with_text(item, msgspec.json.encode(texts.get(_subject(item)))) if _lacks_text(item) else item
        for item in encoded
    ]


def _lacks_text(item: bytes) -> bool:
    return items.text_of(item) == b"null" and not items.is_redacted(item)


def _subject(item: bytes) -> str:
    return f"message:{items.id_of(item)}"
