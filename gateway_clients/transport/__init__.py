"""Bytes to an upstream and back, through one requests adapter; exceptions of libraries become the gateway's own here.

`requests_client`: one upstream's session. `adapter`: the adapter mounted in it. `multiplexed`: calls side by side on
one thread, all written on pooled connections before the first answer is waited for. `blocking_session`: streams and
calls that go through `Session.send`, on urllib3's connections, which `deadline_pools` makes.
"""
