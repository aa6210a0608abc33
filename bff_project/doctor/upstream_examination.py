"""The upstreams: whether each says that it is up, whose certificate it shows, and how well a sample of its answers
keeps its contract."""

import datetime
import socket
import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from django.conf import settings
from msgspec.structs import replace

from bff_project.doctor.finding import Finding, Level, clock_finding
from gateway_clients.conf import SERVICES, upstream_conf
from gateway_clients.errors import UpstreamError
from gateway_clients.gateway import Gateway
from gateway_clients.instrumentation.hooks import DriftRecord, Record, observe
from gateway_clients.resilience.deadline import Deadline
from gateway_clients.services.base import Service
from gateway_clients.tls import client_context

HTTPS: Final = 443
#: Days before its end from which on a certificate is told of.
CERTIFICATE_WARNING_DAYS: Final = 21


def examine_upstreams(member_id: str | None) -> Iterator[Finding]:
    """Yields what is found at each upstream. The samples are of this member, or of the first that a search finds."""
    for service in SERVICES:
        yield from _health(service)
        yield from _certificate(service)
    subject = member_id or _any_member()
    if subject is None:
        yield Finding("member", Level.WARNING, "no member was found to try answers with", "Give one with --member.")
        return
    for service in SERVICES:
        yield _sample(service, subject)


def _health(service: str) -> Iterator[Finding]:
    conf = upstream_conf(service)
    began = time.monotonic()
    try:
        with requests.Session() as session:
            # As the gateway calls: by no proxy of the environment, and with no login from a file.
            session.trust_env = False
            answer = session.get(
                f"{conf.base_url}/health",
                timeout=(conf.connect_seconds, conf.timeout_seconds),
                verify=conf.ca_bundle or True,
                allow_redirects=False,
            )
    except requests.RequestException as error:
        advice = f"Check {service.upper()}_SERVICE_URL, the network and, for https, CA_BUNDLE."
        yield Finding(service, Level.WRONG, f"it cannot be reached: {type(error).__name__}", advice)
        return
    milliseconds = (time.monotonic() - began) * 1000
    if answer.status_code == requests.codes.ok:
        yield Finding(service, Level.OK, f"it is up, and answered in {milliseconds:.0f} ms")
    else:
        yield Finding(service, Level.WRONG, f"its health is {answer.status_code}", "Ask those who run it.")
    ahead = seconds_ahead(answer.headers.get("Date", ""), time.time())
    if ahead is not None:
        yield clock_finding(service, ahead)


def seconds_ahead(date: str, now: float) -> float | None:
    """Reads from a `Date` header how far its clock is ahead; None for one that is no date.

    The header is cut off at whole seconds (RFC 9110, 6.6.1), so up to one second behind is none.
    """
    try:
        ahead = parsedate_to_datetime(date).timestamp() - now
    except ValueError:
        return None
    return ahead if ahead > 0 else min(0.0, ahead + 1)


def _certificate(service: str) -> Iterator[Finding]:
    conf = upstream_conf(service)
    address = urlsplit(conf.base_url)
    if address.scheme != "https":
        if settings.ENVIRONMENT == "production":
            advice = "Use https, unless a mesh or the network between encrypts."
            yield Finding(service, Level.WARNING, "it is called without TLS", advice)
        return
    host = str(address.hostname)
    try:
        with (
            socket.create_connection((host, address.port or HTTPS), conf.connect_seconds) as plain,
            client_context(conf.ca_bundle).wrap_socket(plain, server_hostname=host) as connection,
        ):
            shown: dict[str, Any] = connection.getpeercert() or {}
            version = connection.version()
    except ssl.SSLCertVerificationError as error:
        yield Finding(service, Level.WRONG, f"its certificate is not trusted: {error.verify_message}", "See CA_BUNDLE.")
        return
    except OSError as error:
        advice = f"Check {service.upper()}_SERVICE_URL and the network: no TLS could be agreed on there."
        yield Finding(service, Level.WRONG, f"it shows no certificate: {type(error).__name__}", advice)
        return
    ends = datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), datetime.UTC)
    days = (ends - datetime.datetime.now(datetime.UTC)).days
    text = f"{version}, its certificate ends in {days} days"
    if days < CERTIFICATE_WARNING_DAYS:
        yield Finding(service, Level.WARNING, text, "Have it renewed.")
    else:
        yield Finding(service, Level.OK, text)


def _gateway() -> Gateway:
    return Gateway(request_id="doctor", deadline=Deadline.after(settings.READ_BUDGET_SECONDS), is_fresh_wanted=True)


def _any_member() -> str | None:
    gateway = _gateway()
    try:
        found = gateway.call(replace(gateway.member.search_members(limit=1), key=None)).require()
    except UpstreamError:
        return None
    return found.items[0].id if found.items else None


def _sample(service: str, member_id: str) -> Finding:
    """Asks, keeps nothing, and tells of fields and items that are not as the contract says."""
    gateway = _gateway()
    client: Service = getattr(gateway, service)
    drifted: list[DriftRecord] = []

    def note(record: Record) -> None:
        if isinstance(record, DriftRecord):
            drifted.append(record)

    call = replace(client.sample(member_id), key=None)
    stop = observe(note)
    try:
        gateway.call(call).require()
    except UpstreamError as error:
        advice = "Compare its answer with its contract, and its credential with UPSTREAM_SERVICE_TOKEN."
        return Finding(service, Level.WRONG, f"{call.operation} fails: {error.code}", advice)
    finally:
        stop()
    fields = sorted({field for record in drifted for field in record.fields})
    omitted = sum(record.omitted for record in drifted)
    if fields or omitted:
        text = f"{call.operation} breaks the contract: fields {', '.join(fields) or 'none'}, items left out {omitted}"
        return Finding(service, Level.WARNING, text, "Portals are shown null there. Tell those who run it.")
    return Finding(service, Level.OK, f"{call.operation} is as the contract says")
