"""What an error of Redis is about: the one command that it refuses, or the server, which then is of no use."""

import re
from collections.abc import Iterable
from typing import Final, Literal

from redis.exceptions import DataError, MaxConnectionsError, RedisError, ResponseError

RedisState = Literal["up", "down", "down for writes", "cluster"]

#: Our own code, for a server that is a node of a cluster. The scripts need all keys on one server.
CLUSTER: Final = "CLUSTER"
#: A node of a cluster says these where the keys of a command are elsewhere, or nowhere.
OF_A_CLUSTER: Final = frozenset({CLUSTER, "MOVED", "ASK", "CROSSSLOT", "CLUSTERDOWN", "TRYAGAIN"})
#: A server says these to every command that writes: it is a replica, it is full, or it cannot save or replicate.
OF_WRITES: Final = frozenset({"READONLY", "OOM", "MISCONF", "NOREPLICAS"})
#: No command is of use behind one of these. A full server still answers what it holds; a replica may hold what is old.
OF_THE_SERVER: Final = OF_A_CLUSTER | {"READONLY", "MASTERDOWN", "LOADING", "NOAUTH", "WRONGPASS"}
#: These say that Redis was not even asked: all connections are in use, or a value is of a type that cannot be sent.
OF_THIS_PROCESS: Final = (MaxConnectionsError, DataError)
#: Redis 6 wraps the refusal of a command in a script: `Error running script (...): @user_script: 1: -OOM command ...`.
_WRAPPED: Final = re.compile(r": -([A-Z]+) ")


def refusal_code(error: BaseException) -> str:
    """The first word of Redis's refusal, such as `READONLY`; "" for an error that is none."""
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
    """Whether Redis is of no use behind this error: there was no answer, or any other command would be refused too."""
    if isinstance(error, ResponseError):
        return refusal_code(error) in OF_THE_SERVER
    return not isinstance(error, OF_THIS_PROCESS)


def state_behind(code: str) -> RedisState:
    """What Redis is when it has refused to write with this code, or has not answered ("")."""
    if code in OF_A_CLUSTER:
        return "cluster"
    return "down for writes" if code in OF_WRITES else "down"


def raise_server_refusal(answers: Iterable[object]) -> None:
    """Raises the first of a pipeline's answers that is an error and concerns the server."""
    for answer in answers:
        if isinstance(answer, RedisError) and concerns_server(answer):
            raise answer
