"""What must be done later: written in the transaction of its cause, done by the worker at least once.

`writing` puts messages in, `leasing` gives each to one worker at a time, `working` runs their handlers (dotted names in
`OUTBOX_HANDLERS`), `nudging` tells a broker that there is work, where there is one. The database alone knows what is to
be done: a nudge that is lost costs a moment, never a message.
"""
