"""REST: what programs and browsers ask over plain HTTP, under `/api/v1`, and the health checks beside it.

`application` is the ASGI application that serves it; `urls` names the addresses, `v1` gathers the operations of
`guests`, `rooms`, `messages`, `reactions` (both change messages by `changing`), `past`, `events`, `export`, `bans`,
`projections` and `log` (proofs), for auditors `people` and `holds`. `requests`, `bodies` and `query` read what is
asked; `credentials` tells who asks; `answers`, `problems` and `streaming` are what comes back; `documentation` and
`docs` write it down; `health` is for whoever operates the server.
"""
