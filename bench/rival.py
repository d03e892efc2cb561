"""The rival of bench/appends.py: a table of messages and the ORM, as durable as Verbatim's store."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import django
from django.conf import settings

from config import environment

DURABLE = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000"


def prepare(url: str) -> Callable[[str, str, str], Awaitable[object]]:
    """Make the table and answer what creates one message in it."""
    database = dict(environment.database(url, Path("/")))
    if url.startswith("sqlite"):
        database["OPTIONS"] = {"init_command": DURABLE, "transaction_mode": "IMMEDIATE"}
    settings.configure(DATABASES={"default": database}, INSTALLED_APPS=[], USE_TZ=True)
    django.setup()

    # Models can only be named once the settings are there.
    from django.db import connection, models  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    class Message(models.Model):  # noqa: DJ008  # nobody prints it
        """One message, one row."""

        room = models.TextField(db_index=True)
        handle = models.TextField()
        message = models.TextField()
        timestamp = models.DateTimeField(default=timezone.now, db_index=True)

        class Meta:
            app_label = "rival"

    with connection.schema_editor() as editor:
        editor.create_model(Message)
    connection.close()
    rows = Message._default_manager  # noqa: SLF001  # the stubs give models of a function no `objects`
    return lambda room, handle, text: rows.acreate(room=room, handle=handle, message=text)
