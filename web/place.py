"""Where in a room's history a reader wants to be, and at what moment of it: from the page's address."""

import re
from collections.abc import Mapping
from contextlib import suppress

from commands.clock import moment
from projections.queries import Wanted

SEQ = re.compile(r"[1-9][0-9]{0,14}")


def place(asked: Mapping[str, str]) -> Wanted:
    """At most one of `around`, `before` and `after`, a seq, and `as_of`, a seq or a time; what is none is ignored."""
    wanted = Wanted()
    if SEQ.fullmatch(asked.get("around", "")):
        wanted["around"] = int(asked["around"])
    elif SEQ.fullmatch(asked.get("before", "")):
        wanted["before"] = int(asked["before"])
    elif SEQ.fullmatch(asked.get("after", "")):
        wanted["after"] = int(asked["after"])
    as_of = asked.get("as_of", "")
    if SEQ.fullmatch(as_of):
        wanted["as_of"] = int(as_of)
    elif as_of:
        with suppress(ValueError):
            wanted["as_of_time"] = moment(as_of)
    return wanted
