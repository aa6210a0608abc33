"""Takes rows for the audit trail and writes them in batches.

Whoever must not answer before its rows are written waits for the commit; those who come meanwhile share the next one.
A member's own rows are written within a second by a thread of the process, or go to the log while the database is down.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog
from django.db import Error, OperationalError, close_old_connections

from gateway_clients.audit.chain import ChainWriter
from gateway_clients.audit.denials import FoldedDenials
from gateway_clients.audit.entries import AuditRow
from gateway_clients.database.process_mode import is_serving
from gateway_clients.instrumentation.metrics import metrics
from gateway_clients.models import AuditChain
from gateway_clients.runtime.process_end import at_process_end
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.runtime.start_gate import start_gate

#: A row that nobody waits for is written so soon.
FLUSH_SECONDS: Final = 0.25
#: The chain's head goes to the log no more often than this while it grows.
HEAD_SECONDS: Final = 1.0
log = structlog.get_logger(__name__)


class AuditUnavailableError(OperationalError):
    """The rows could not be written, so that nothing may be shown."""


@dataclass(slots=True)
class _Batch:
    """Rows that are written together. `awaited` ones are waited for, `own` ones nobody waits for.

    The first who waits writes them all, once the batch before is written; the others are told.
    """

    awaited: list[AuditRow] = field(default_factory=list)
    own: list[AuditRow] = field(default_factory=list)
    has_writer: bool = False
    is_done: threading.Event = field(default_factory=threading.Event)
    error: BaseException | None = None

    @property
    def rows(self) -> list[AuditRow]:
        """All of them, in the order in which they came."""
        return sorted(self.awaited + self.own, key=_at) if self.awaited and self.own else self.awaited or self.own


class _Head(NamedTuple):
    """A chain as it was committed; the writer goes on with the chain itself before its next rows are."""

    chain: str
    length: int
    mac: bytes


class Recorder:
    """The rows of this process. `append` writes a batch; `clock` gives microseconds since 1970."""

    def __init__(
        self,
        append: Callable[[Sequence[AuditRow]], AuditChain] | None = None,
        *,
        clock: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._append = append or ChainWriter().append
        self._clock = clock
        self._last_at = 0
        self._batch = _Batch()
        self._denials = FoldedDenials()
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._head: _Head | None = None
        self._head_logged_at = float("-inf")

    @property
    def pending(self) -> int:
        """How many rows are to be written next."""
        with self._lock:
            return len(self._batch.rows)

    def add(self, row: AuditRow) -> None:
        """Takes a row that is written within a second; at once in a process that does not serve."""
        with self._lock:
            self._stamp(row)
            self._batch.own.append(row)
        self._flush_soon()

    def commit(self, rows: Sequence[AuditRow]) -> None:
        """Writes rows, with all that came before. Raises AuditUnavailableError when it is not certain that they are."""
        with self._lock:
            for row in rows:
                self._stamp(row)
            batch, is_writer = self._joined()
            batch.awaited.extend(rows)
        self._settle(batch, is_writer=is_writer)
        if batch.error is not None:
            raise AuditUnavailableError(*batch.error.args) from batch.error
        if is_serving():
            self._flush_soon()  # What the thread writes then is how far the chain has got, to the log.

    def deny(self, row: AuditRow) -> None:
        """Takes a try that was denied: the first of its kind is written as by `commit`, its repeats are counted.

        One of nobody's is written as by `add`: whoever is not signed in is told so without a database, too.
        """
        with self._lock:
            is_first = self._denials.is_first(row)
        if is_first and not row.account_id:
            self.add(row)
        elif is_first:
            self.commit([row])
        self._flush_soon()

    def flush(self) -> None:
        """Writes all that came so far; what cannot be written goes to the log."""
        with self._lock:
            for row in self._denials.take():
                self._stamp(row)
                self._batch.own.append(row)
            if not (self._batch.own or self._batch.awaited):
                return
            batch, is_writer = self._joined()
        self._settle(batch, is_writer=is_writer)

    def _joined(self) -> tuple[_Batch, bool]:
        """The batch that is filled now, and whether the caller is the one who writes it. Under the lock."""
        batch = self._batch
        is_writer, batch.has_writer = not batch.has_writer, True
        return batch, is_writer

    def _stamp(self, row: AuditRow) -> None:
        row.at = self._last_at = max(self._clock(), self._last_at)
        row.fit()

    def _settle(self, batch: _Batch, *, is_writer: bool) -> None:
        """Returns when the batch is written, or its error is known."""
        if not is_writer:
            with start_gate().waiting_for_others():
                batch.is_done.wait()
            return
        with start_gate().waiting_for_others():
            self._writing.acquire()
        try:
            with self._lock:
                self._batch = _Batch()
            rows = batch.rows
            try:
                chain = self._append(rows)
                head = _Head(chain.name, chain.length, bytes(chain.mac))
                with self._lock:
                    self._head = head
            except BaseException as error:
                batch.error = error
                _log_instead(batch.own, error)
                if not isinstance(error, Error):
                    raise
            finally:
                batch.is_done.set()
            self._count(batch, rows)
            if not is_serving():
                self.log_head()
        finally:
            self._writing.release()

    @staticmethod
    def _count(batch: _Batch, rows: Sequence[AuditRow]) -> None:
        if rows:
            outcome = "written" if batch.error is None else "unwritten"
            lag_seconds = time.time() - rows[0].at / 1_000_000
            metrics().audit_written(outcome=outcome, lag_seconds=max(0.0, lag_seconds))

    def log_head(self) -> None:
        """Tells the log how far the chain has got, which the database alone could be made to forget."""
        with self._lock:
            head, self._head = self._head, None
        if head is not None:
            log.info("audit.head", chain=head.chain, length=head.length, mac=head.mac.hex())

    def _flush_soon(self) -> None:
        if not is_serving():
            self.flush()
        elif self._thread is None or not self._wanted.is_set():
            self._wanted.set()
            if self._thread is None:
                self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="audit", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    # The process may have no more threads; the next row starts it.
                    return
                self._thread = thread
                at_process_end(self.close)

    def _run(self) -> None:
        while True:
            is_wanted = self._wanted.wait(timeout=HEAD_SECONDS if self._head is not None else None)
            if is_wanted:
                time.sleep(FLUSH_SECONDS)
                self._wanted.clear()
                self.flush()
                close_old_connections()
            if time.monotonic() - self._head_logged_at >= HEAD_SECONDS:
                self._head_logged_at = time.monotonic()
                self.log_head()

    def close(self) -> None:
        """Writes what is left when the process ends."""
        self.flush()
        self.log_head()


def _log_instead(rows: Sequence[AuditRow], error: BaseException) -> None:
    log.error("audit.unwritten", reason=type(error).__name__, rows=len(rows))
    for row in rows:
        log.warning(
            "audit.row",
            at=row.at,
            account=row.account_id,
            role=row.role,
            member=row.member_id,
            action=row.action,
            sections=row.sections,
            origins=row.origins,
            outcome=row.outcome,
            count=row.count,
            request_id=row.request_id,
        )


def _at(row: AuditRow) -> int:
    return row.at


@process_singleton
def recorder() -> Recorder:
    """Returns the recorder of this process."""
    return Recorder()
