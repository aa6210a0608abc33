"""Distinguishes errors of Redis that refuse one command from those that make the server unusable."""

import re
from collections.abc import Iterable
from typing import Final, Literal

from redis.exceptions import DataError, MaxConnectionsError, RedisError, ResponseError

RedisState = Literal["up", "down", "down for writes", "cluster"]

#: The gateway's own code for a node of a cluster. The scripts need all keys on one server.
CLUSTER: Final = "CLUSTER"
#: Codes of a cluster's node for keys that are on another node, or on none.
OF_A_CLUSTER: Final = frozenset({CLUSTER, "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN", "TRYAGAIN"})
#: Codes for every command that writes: the server is a replica, is full, or cannot save or replicate.
OF_WRITES: Final = frozenset({"READONLY", "OOM", "MISCONF", "NOREPLICAS"})
#: After one of these codes no command is useful. A full server still answers reads; a replica may hold old data.
OF_THE_SERVER: Final = OF_A_CLUSTER | {"READONLY", "MASTERDOWN", "LOADING", "NOAUTH", "WRONGPASS"}
#: Errors raised before Redis was asked: all connections are in use, or a value cannot be sent.
OF_THIS_PROCESS: Final = (MaxConnectionsError, DataError)
#: Redis 6 wraps the refusal of a command in a script: `Error running script (...): @user_script: 1: -OOM command ...`.
_WRAPPED: Final = re.compile(r": -([A-Z]+) ")


def refusal_code(error: BaseException) -> str:
    """Returns the first word of Redis's refusal, such as `READONLY`; "" for any other error."""
    if not isinstance(error, RedisError):
        return ""
    text = str(error)
    wrapped = _WRAPPED.search(text)
    if wrapped is not None:
        return wrapped[1]
    if error.status_code:
        return error.status_code
    return text.partition(" ")[0] if isinstance(error, ResponseError) else ""


def concerns_server(error: Exception) -> bool:
    """Returns whether there was no answer, or any other command would be refused too."""
    if isinstance(error, ResponseError):
        return refusal_code(error) in OF_THE_SERVER
    return not isinstance(error, OF_THIS_PROCESS)


def state_behind(code: str) -> RedisState:
    """Returns the state of a Redis that refused a write with this code, or did not answer ("")."""
    if code in OF_A_CLUSTER:
        return "cluster"
    return "down for writes" if code in OF_WRITES else "down"


def raise_server_refusal(answers: Iterable[object]) -> None:
    """Raises the first error among a pipeline's answers that concerns the server."""
    for answer in answers:
        if isinstance(answer, RedisError) and concerns_server(answer):
            raise answer
