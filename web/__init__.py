"""The browser client: pages that the server renders whole, and the small modules that keep them live.

`views` answers the addresses of `urls`; `transcript` makes the lines of a page out of history items and events, `text`
sets one message, `guest` knows the visitor, `page` dresses every answer in its headers, `labels` invents names for rooms,
`assets` serves `static/` with addresses that change whenever a file does. In `static/web/`, `room.js` is where the
room's modules are put together. `line.js` and `text.js` say in the browser what `transcript` and `text` say here: a
line looks the same whoever made it.
"""
