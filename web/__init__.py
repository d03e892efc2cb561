"""The browser client: pages that the server renders whole, and the small modules that keep them live.

`views` answers the addresses of `urls`; `transcript` makes the lines of a page out of history items and events, `text`
sets one message, `records` puts other events into words, `guest` knows the visitor, `page` dresses every answer
in its headers, `labels` names fresh rooms, `assets` serves `static/` under addresses that change whenever a file does.
In `static/web/`, `room.js` is where the room's modules are put together. `line.js`, `text.js` and `records.js` say in
the browser what `transcript`, `text` and `records` say here: a line looks the same whoever made it.
"""
