"""Health, for whoever operates the server: whether the process lives, and whether it is ready for traffic."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from api.answers import send_json
from api.requests import Request
from projections.queries import ProjectionStatus

MAX_ANSWER_S = 2.0
NOT_NEEDED = {"people", "proof"}
"""Whoever reads a page does not wait for them: what has stopped a proof must not take the chat away."""


@require_GET
async def live(request: HttpRequest) -> HttpResponse:
    """`/health/live`: the process runs and its event loop turns."""
    return send_json(b'{"status":"live"}')


@require_GET
async def ready(request: HttpRequest) -> HttpResponse:
    """`/health/ready`: 200, or 503 with every reason why not."""
    assert isinstance(request, Request)
    reasons = [reason async for reason in _reasons(request)]
    body = msgspec.json.encode({"status": "unready" if reasons else "ready", "reasons": reasons})
    return send_json(body, status=503 if reasons else 200)


async def _reasons(request: Request) -> AsyncIterator[str]:
    try:
        async with asyncio.timeout(MAX_ANSWER_S):
            await request.log.last_position()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a reason
        yield f"store: {_plainly(error)}"
    try:
        async with asyncio.timeout(MAX_ANSWER_S):
            projections = await request.queries.projections()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a reason
        yield f"read database: {_plainly(error)}"
        return
    if not projections:
        yield "projections: none has run yet"
    for status in projections:
        if status.name in NOT_NEEDED:
            continue
        for reason in _behind(status):
            yield f"projection {status.name}: {reason}"


def _behind(status: ProjectionStatus) -> list[str]:
    reasons = []
    if status.heartbeat_age_s is None or status.heartbeat_age_s > settings.READY_HEARTBEAT_S:
        reasons.append("nobody runs it")
    if status.lag_s > settings.READY_LAG_S:
        reasons.append(f"{status.lag_events} events behind, for {status.lag_s:.0f} s")
    return reasons


def _plainly(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
