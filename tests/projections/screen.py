"""A client's screen, told by a room's events alone: what pages of the past are compared with."""

from typing import Any

from commands.clock import rfc3339
from commands.subscription import Fact

type Line = dict[str, Any]


class Screen:
    """What a client shows that hears a room's events, one after the other; it knows nothing of the server's code."""

    FIELDS = ("message_id", "seq", "message", "edited_at", "redacted", "reply_to", "reactions", "seq_changed")

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}
        self.title = self.topic = ""

    def hear(self, fact: Fact) -> None:
        """Take one event."""
        event, seq = fact.event, fact.recorded.seq
        assert event is not None
        data, name = event.data, fact.recorded.topic
        if name.startswith("room."):
            self.title, self.topic = data.get("title", self.title), data.get("topic", self.topic)
        elif name == "message.posted":
            self.lines[data["message_id"]] = {
                "message_id": data["message_id"],
                "seq": seq,
                "message": data["message"],
                "edited_at": None,
                "redacted": False,
                "reply_to": data["reply_to"],
                "reactions": {},
                "seq_changed": seq,
            }
        else:
            line = self.lines[data["message_id"]]
            changed = self._change(line, name, data, event.occurred_at)
            self.lines[data["message_id"]] = line | changed | {"seq_changed": seq}

    def _change(self, line: Line, name: str, data: dict[str, Any], at: int) -> Line:
        match name:
            case "message.edited":
                return {"message": data["message"], "edited_at": rfc3339(at)}
            case "message.redacted":
                return {"message": None, "redacted": True}
            case _:
                count = line["reactions"].get(data["emoji"], 0) + (1 if name == "reaction.added" else -1)
                others = {emoji: n for emoji, n in line["reactions"].items() if emoji != data["emoji"]}
                return {"reactions": others | ({data["emoji"]: count} if count else {})}

    def page(self, first: int | None, last: int | None) -> list[Line]:
        """Some lines, by their place on the screen."""
        return list(self.lines.values())[first:last]
