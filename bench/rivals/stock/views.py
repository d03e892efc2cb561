"""History, a page at a time; and the only address there is."""

from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from bench.rivals.stock.models import Message, Room


def history(request: HttpRequest, label: str) -> JsonResponse:
    """The messages before an id, the oldest first."""
    room = get_object_or_404(Room, label=label)
    before, limit = int(request.GET["before"]), int(request.GET["limit"])
    messages = Message.objects.filter(room=room, id__lt=before).order_by("-id")[:limit]
    return JsonResponse({"messages": [message.as_dict() for message in reversed(messages)]})


urlpatterns = [path("history/<slug:label>/", history)]
