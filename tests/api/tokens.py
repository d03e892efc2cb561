"""Tokens with a scope, and whoever bears one."""

from typing import Any

from asgiref.sync import sync_to_async

from commands.clock import now_ms
from config import tokens
from config.models import ApiToken
from tests.api.client import Client


async def make(**fields: Any) -> str:
    """A token in the table."""
    token, digest = tokens.mint()
    named = {"name": digest, "scope": "audit", "created_at": now_ms()} | fields
    await sync_to_async(ApiToken.objects.create)(digest=digest, **named)
    return token


async def bearing(client: Client, token: str) -> Client:
    return Client(client._transport, client.document, token)
