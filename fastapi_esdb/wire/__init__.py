"""The protocol: plain values, the messages that carry them, one `Method` for each call, errors and statuses.

A folder for each service has the same modules: `values` (what a caller or a handler holds), `requests` and `answers`
(those values to messages and back) and `methods` (the calls); a small service needs fewer. `events`, `positions` and
`revisions` are what all services speak of. `errors` are the exceptions, `status` is how the protocol transmits them.
`codec` has the parts that converters are made of, and `proto` the generated messages.
"""
