"""What is asked in an address, after the question mark: whole numbers and times as text, read strictly."""

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from archive.exporting import Form
from commands.clock import moment
from commands.errors import BadRequest
from commands.member import MAX_REASON, PERSON
from commands.message import MESSAGE_ID
from projections.queries import Wanted

MAX_NUMBER = 2**53 - 1
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,19}")
_TYPES = re.compile(r"[a-z]+\.[a-z_]+(,[a-z]+\.[a-z_]+)*")


def whole_number(text: str) -> int:
    """`42`, and none of the other forms that Python reads as a number. Raises: ValueError."""
    if not _WHOLE_NUMBER.fullmatch(text):
        raise ValueError("use a whole number")
    return int(text)


def event_types(text: str) -> str:
    """Event names with commas between. Raises: ValueError."""
    if not _TYPES.fullmatch(text):
        raise ValueError("use event names with commas between, as in message.posted,member.banned")
    return text


def seq_or_moment(text: str) -> tuple[int | None, int | None]:
    """A seq, or an RFC 3339 time as Unix milliseconds: one of the two. Raises: ValueError."""
    if _WHOLE_NUMBER.fullmatch(text):
        return max(0, min(int(text), MAX_NUMBER)), None
    try:
        return None, moment(text)
    except ValueError:
        raise ValueError("use a seq, or a time with its zone, as in 2026-11-22T09:43:43.120Z") from None


Number = BeforeValidator(whole_number)
Seq = Annotated[int, Field(ge=1, le=MAX_NUMBER), Number]
AfterSeq = Annotated[int, Field(ge=0, le=MAX_NUMBER), Number]
Moment = Annotated[int, BeforeValidator(moment, json_schema_input_type=str)]
MessageId = Annotated[str, Field(pattern=f"^{MESSAGE_ID.pattern}$")]
AsOf = Annotated[
    Any, BeforeValidator(seq_or_moment, json_schema_input_type=int | str)
]  # not a tuple: Ninja would expect a list
PersonId = Annotated[str, Field(pattern=f"^{PERSON.pattern}$")]
Types = Annotated[str, BeforeValidator(event_types)]


class Query(BaseModel):
    """What every set of parameters has in common: unknown ones are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class AtLeast(Query):
    """Wait, for at most two seconds, until the read model has come this far."""

    min_position: AfterSeq | None = Field(
        default=None, description="The position that an acknowledgement gave: wait up to 2 s until it can be read"
    )


class PageQuery(AtLeast):
    """Which page of a room's history."""

    before: Seq | None = Field(default=None, description="The last ones before this seq")
    after: AfterSeq | None = Field(default=None, description="The first ones after this seq")
    around: Seq | None = Field(default=None, description="Those on both sides of this seq")
    at: Moment | None = Field(default=None, description="Those on both sides of this RFC 3339 time")
    limit: Annotated[int, Field(ge=1, le=200), Number] = 50
    thread: MessageId | None = Field(default=None, description="Only the thread that this message is in")
    as_of: AsOf | None = Field(
        default=None, description="As the room was after the event with this seq, or at this RFC 3339 time"
    )

    def wanted(self, *, auditor: bool) -> Wanted:
        """What to read. Raises: BadRequest for two places."""
        if sum(place is not None for place in (self.before, self.after, self.around, self.at)) > 1:
            raise BadRequest("Send one of before, after, around and at.")
        as_of, as_of_time = self.as_of or (None, None)
        return Wanted(
            before=self.before,
            after=self.after,
            around=self.around,
            at=self.at,
            limit=self.limit,
            thread=self.thread,
            as_of=as_of,
            as_of_time=as_of_time,
            auditor=auditor,
        )


class RevisionsQuery(Query):
    """Which of a message's versions."""

    after: AfterSeq = Field(default=0, description="Those after this seq; `next` of the page before")
    limit: Annotated[int, Field(ge=1, le=200), Number] = 200


class TapeQuery(Query):
    """How closely to look at the whole life of a room."""

    points: Annotated[int, Field(ge=1, le=1000), Number] = Field(default=200, description="At most so many, and one")


class EventsQuery(Query):
    """Which part of a room's raw stream."""

    after: AfterSeq = Field(default=0, description="Events after this seq")
    limit: Annotated[int, Field(ge=1, le=1000), Number] = 100
    types: Types | None = Field(
        default=None, description="Only these events, with commas between", examples=["message.posted"]
    )
    person: PersonId | None = Field(default=None, description="Only what this person did, or what is about them")
    since: Moment | None = Field(default=None, description="From this RFC 3339 time on")
    until: Moment | None = Field(default=None, description="Until this RFC 3339 time")


class StreamQuery(Query):
    """Which part of everything that happened."""

    after: AfterSeq = Field(default=0, description="Events after this position; `read_to` of the page before")
    limit: Annotated[int, Field(ge=1, le=1000), Number] = 100
    types: Types | None = Field(
        default=None, description="Only these events, with commas between", examples=["member.banned,command.refused"]
    )
    person: PersonId | None = Field(default=None, description="Only what this person did, or what is about them")
    since: Moment | None = Field(default=None, description="From this RFC 3339 time on")
    until: Moment | None = Field(default=None, description="Until this RFC 3339 time")


class HeadQuery(Query):
    """Which signed tree head."""

    tree_size: Seq | None = Field(default=None, description="The one over so many events; the newest if left out")


class InclusionQuery(Query):
    """Which event is to be proved, and in which tree."""

    room: str | None = Field(default=None, max_length=50, description="The label of its room, together with seq")
    seq: Seq | None = None
    position: Seq | None = Field(default=None, description="Instead of room and seq")
    tree_size: Seq | None = Field(
        default=None, description="In the tree of so many events; in that of the newest signed head if left out"
    )


class ConsistencyQuery(Query):
    """The sizes of two trees."""

    first: Seq
    second: Seq | None = Field(default=None, description="That of the newest signed head if left out")


class ExportQuery(Query):
    """Which file a room becomes."""

    format: Form = Field(default="ndjson", description="`ndjson`: events; `csv`: messages in rows; `html`: on a page")
    as_of: AsOf | None = Field(
        default=None, description="As the room was after the event with this seq, or at this RFC 3339 time"
    )


class RedactionQuery(Query):
    """Why a message is redacted."""

    reason: str = Field(default="", max_length=MAX_REASON, description="Shown with the redaction in the room's events")


class ReasonQuery(Query):
    """Why something is done that only auditors hear of."""

    reason: str = Field(default="", max_length=MAX_REASON, description="For auditors; kept with the event")


class DirectoryQuery(Query):
    """Which page of the directory."""

    after: Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9_-]+$")] | None = Field(
        default=None, description="`next` of the page before"
    )
    limit: Annotated[int, Field(ge=1, le=200), Number] = 50
