"""The read models' tables. Projections write them in sets of rows (rows.py), queries read them by key (queries.py)."""

from django.db import models


class Checkpoint(models.Model):
    """How far a projection has come in a partition of the log (there is one, 0). Times are Unix milliseconds."""

    pk = models.CompositePrimaryKey("projection", "partition")
    projection = models.TextField()
    partition = models.SmallIntegerField()
    position = models.BigIntegerField()
    heartbeat_at = models.BigIntegerField()

    class Meta:
        db_table = "checkpoint"


class ParkedRoom(models.Model):
    """A room that a projection cannot follow since the event at `seq`; the projection goes on without it."""

    pk = models.CompositePrimaryKey("projection", "room")
    projection = models.TextField()
    room = models.TextField()
    seq = models.BigIntegerField()
    position = models.BigIntegerField()
    error = models.TextField()
    since = models.BigIntegerField()

    class Meta:
        db_table = "parked_room"


class ProjectionBeside(models.Model):
    """The version beside a projection's tables in use: being made (`building`, `comparing`), or the `kept` old one.

    Its checkpoint and its parked rooms are where those in use have theirs, under the name `<projection>/beside`.
    `made_by` tells the code and the tables that it was made by and for. It began to be made, or made further, at a
    time and a position.
    """

    projection = models.TextField(primary_key=True)
    state = models.TextField()
    made_by = models.TextField()
    began_at = models.BigIntegerField()
    began_from = models.BigIntegerField()

    class Meta:
        db_table = "projection_beside"


class DirectoryRoom(models.Model):
    """One room as the directory shows it, as of `head_seq`."""

    room = models.TextField(primary_key=True)
    title = models.TextField()
    topic = models.TextField()
    visibility = models.TextField()
    archived = models.BooleanField()
    slow_mode_s = models.IntegerField()
    owner = models.TextField()
    opened_at = models.BigIntegerField()
    head_seq = models.BigIntegerField()
    message_count = models.BigIntegerField()
    last_message_at = models.BigIntegerField(null=True)
    retain_days = models.IntegerField()
    retained_since = models.TextField()

    class Meta:
        db_table = "directory_room"
        indexes = (
            models.Index(fields=["room"], name="directory_retained", condition=models.Q(retain_days__gt=0)),
            models.Index(fields=["owner", "room"], name="directory_owner"),
            models.Index(fields=["visibility", "room"], name="directory_visibility"),
        )


class HistoryRoom(models.Model):
    """How far the history of a room has come: its head, and the largest `occurred_at` so far.

    What was said before the time `over_before` is kept no more.
    """

    room = models.TextField(primary_key=True)
    head_seq = models.BigIntegerField()
    room_time = models.BigIntegerField()
    over_before = models.BigIntegerField()

    class Meta:
        db_table = "history_room"


class HistoryTitle(models.Model):
    """What a room was called (`what` is `title` or `topic`) from the event `seq` on."""

    pk = models.CompositePrimaryKey("room", "what", "seq")
    room = models.TextField()
    what = models.TextField()
    seq = models.BigIntegerField()
    room_time = models.BigIntegerField()
    text = models.TextField()

    class Meta:
        db_table = "history_title"
        indexes = (models.Index(fields=["room", "room_time", "seq"], name="history_title_time"),)


class HistoryItem(models.Model):
    """One message: its place in its room, and the item as REST sends it (JSON). `room_time` is the room's then.

    `thread` is the id of the message that began the thread, in those that it has, itself among them.
    """

    pk = models.CompositePrimaryKey("room", "seq")
    room = models.TextField()
    seq = models.BigIntegerField()
    message_id = models.TextField()
    room_time = models.BigIntegerField()
    thread = models.TextField(null=True)  # noqa: DJ001 - most are in none, and those are in no index
    author = models.TextField()
    item = models.BinaryField()

    class Meta:
        db_table = "history_item"
        indexes = (
            models.Index(fields=["room", "message_id"], name="history_item_message"),
            models.Index(fields=["room", "room_time", "seq"], name="history_item_time"),
            models.Index(
                fields=["room", "thread", "seq"],
                name="history_item_thread",
                condition=models.Q(thread__isnull=False),
            ),
            models.Index(fields=["author", "room", "seq"], name="history_item_author"),
        )


class HistoryPast(models.Model):
    """The message at `seq` as it was until the event `until_seq` changed it, at the room's time `until_time`.

    What it said is left out: a reaction to a long text is short, and what was redacted is nowhere.
    """

    pk = models.CompositePrimaryKey("room", "seq", "until_seq")
    room = models.TextField()
    seq = models.BigIntegerField()
    until_seq = models.BigIntegerField()
    until_time = models.BigIntegerField()
    item = models.BinaryField()

    class Meta:
        db_table = "history_past"
        indexes = (models.Index(fields=["room", "until_time", "until_seq"], name="history_past_time"),)


class HistoryText(models.Model):
    """What the message at `seq` said until the event `until_seq` edited it; gone when it is redacted."""

    pk = models.CompositePrimaryKey("room", "seq", "until_seq")
    room = models.TextField()
    seq = models.BigIntegerField()
    until_seq = models.BigIntegerField()
    text = models.TextField()

    class Meta:
        db_table = "history_text"


class PersonRoom(models.Model):
    """A room in which a person did something, for the first time at a position."""

    pk = models.CompositePrimaryKey("person", "room")
    person = models.TextField()
    room = models.TextField()
    position = models.BigIntegerField()

    class Meta:
        db_table = "person_room"


class PersonEvent(models.Model):
    """An event that a person did, or that is about them."""

    pk = models.CompositePrimaryKey("person", "position")
    person = models.TextField()
    position = models.BigIntegerField()

    class Meta:
        db_table = "person_event"


class ProofSize(models.Model):
    """How many events the tree is over, and the position of the last one (there is one partition, 0)."""

    partition = models.BigIntegerField(primary_key=True)
    tree_size = models.BigIntegerField()
    position = models.BigIntegerField()

    class Meta:
        db_table = "proof_size"


class ProofTile(models.Model):
    """Up to 256 hashes of the tree side by side, 32 bytes each: leaves (level 0), or roots of tiles below."""

    pk = models.CompositePrimaryKey("level", "number")
    level = models.BigIntegerField()
    number = models.BigIntegerField()
    first_position = models.BigIntegerField()
    last_position = models.BigIntegerField()
    hashes = models.BinaryField()

    class Meta:
        db_table = "proof_tile"
        indexes = (models.Index(fields=["level", "first_position"], name="proof_tile_position"),)


class TreeHead(models.Model):
    """A signed tree head. Evidence, and no read model: no rebuild touches it, and nothing is ever removed."""

    tree_size = models.BigIntegerField(primary_key=True)
    position = models.BigIntegerField()
    root_hash = models.BinaryField()
    signed_at = models.BigIntegerField()
    signature = models.BinaryField()
    public_key = models.BinaryField()

    class Meta:
        db_table = "tree_head"
