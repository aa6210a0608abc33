"""A pipeline that the event loop runs, with callbacks for its end."""

from typing import Any, Protocol

from gateway_clients.pipeline.effects import Pipeline
from gateway_clients.pipeline.outcome import Outcome
from gateway_clients.pipeline.upstreams import Upstream


class Task(Protocol):
    """One pipeline and the callbacks for its outcome."""

    target: Upstream
    pipeline: Pipeline[Outcome[Any]]

    def answer(self, outcome: Outcome[Any]) -> None:
        """Takes an outcome that has still to be stored."""

    def succeed(self, outcome: Outcome[Any]) -> None:
        """Takes the outcome that the pipeline has ended with."""

    def fail(self, error: BaseException) -> None:
        """Takes the error that the pipeline has ended with."""

    def close(self) -> None:
        """Ends a pipeline that nobody runs any more; what it holds is given back."""
