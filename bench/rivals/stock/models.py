"""Rooms and messages."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone


class Room(models.Model):
    """A room."""

    label = models.SlugField(unique=True)
    objects: ClassVar[models.Manager["Room"]] = models.Manager()

    def __str__(self) -> str:
        return self.label


class Message(models.Model):
    """A message in a room."""

    room = models.ForeignKey(Room, related_name="messages", on_delete=models.CASCADE)
    handle = models.TextField()
    message = models.TextField()
    timestamp = models.DateTimeField(default=timezone.now, db_index=True)
    objects: ClassVar[models.Manager["Message"]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.handle}: {self.message}"

    def as_dict(self) -> dict[str, Any]:
        """As clients see it."""
        return {
            "id": self.pk,
            "handle": self.handle,
            "message": self.message,
            "timestamp": self.timestamp.isoformat(),
        }
