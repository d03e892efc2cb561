"""Events that are no messages, in words; `static/web/records.js` says the same."""

from collections.abc import Mapping
from typing import Any

from commands.member import default_handle


def describe(topic: str, actor: str, data: Mapping[str, Any], names: Mapping[str, str], me: str) -> str:
    """An event that is no message, in words; empty for one that needs none."""

    def name(person: str) -> str:
        return "you" if person == me else names.get(person) or default_handle(person)

    who = name(actor)
    match topic:
        case "room.opened":
            return _sentence(f"{who} opened the room")
        case "room.changed":
            return _sentence(f"{who} {_change(data)}")
        case "member.banned":
            return _sentence(f"{who} banned {name(data['person'])}")
        case "member.unbanned":
            return _sentence(f"{who} let {name(data['person'])} in again")
        case _:
            return ""


def _change(data: Mapping[str, Any]) -> str:
    match data:
        case {"archived": True}:
            return "archived the room"
        case {"archived": False}:
            return "opened the archived room again"
        case {"title": title}:
            return f"named the room “{title}”"
        case {"topic": topic}:
            return f"set the topic: {topic}" if topic else "removed the topic"
        case {"retain_days": days}:
            return f"keeps what is said for {_count_days(days)}"
        case {"slow_mode_s": seconds}:
            return f"set slow mode: a message every {seconds} s" if seconds else "ended slow mode"
        case _:
            return "changed the room"


def _count_days(days: int) -> str:
    return "ever" if not days else "1 day" if days == 1 else f"{days} days"


def _sentence(words: str) -> str:
    return words.replace("you ", "You ", 1) if words.startswith("you ") else words


def describe_removal(actor: str | None, author: str, names: Mapping[str, str], me: str) -> str:
    """Who removed a line, in words."""
    if actor is None:
        return "This line was removed."
    who = "you" if actor == me else "its author" if actor == author else names.get(actor) or default_handle(actor)
    return f"This line was removed by {who}."
