"""Tables that are no read models: what cannot be made again from the log. Times are Unix milliseconds."""

from django.db import models


class ApiToken(models.Model):
    """A token that somebody made for a program: only its SHA-256 is kept. It counts until it expires or is revoked."""

    digest = models.TextField(primary_key=True)
    name = models.TextField(unique=True)
    scope = models.TextField()
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField(null=True)
    revoked_at = models.BigIntegerField(null=True)

    class Meta:
        """Its name in the database."""

        db_table = "api_token"

    def __str__(self) -> str:
        return self.name
