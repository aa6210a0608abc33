"""`manage.py sandbox_fault`: breaks a service of the running sandbox, and mends it again."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any, Final

import requests
from django.core.management.base import BaseCommand, CommandError

from gateway_clients.conf import SERVICES, upstream_conf
from sandbox.faults import FaultKind
from sandbox.places import places_in_a_row, places_of_settings

TIMEOUT_SECONDS: Final = 5.0


class Command(BaseCommand):
    """Talks to the sandbox over HTTP, where the settings say the service is."""

    help = "Break a service of the running sandbox, or mend it. Without an option: show its faults."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("service", choices=(*SERVICES, "all"))
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--down", action="store_const", dest="kind", const="down", help="close without an answer")
        what.add_argument("--hang", action="store_const", dest="kind", const="hang", help="accept and never answer")
        what.add_argument("--garbage", action="store_const", dest="kind", const="garbage", help="HTML with status 200")
        what.add_argument("--error-rate", type=float, metavar="0..1", help="500, that often")
        what.add_argument("--status", type=int, help="this status; see --retry-after")
        what.add_argument("--kind", choices=[kind.value for kind in FaultKind], help="any fault by its name")
        what.add_argument("--clear", action="store_true", help="mend it")
        parser.add_argument("--delay", type=float, metavar="SECONDS", help="answer late, alone or beside another fault")
        parser.add_argument("--retry-after", metavar="VALUE", help="goes with --status")
        parser.add_argument("--operation", help="only this operationId")
        parser.add_argument("--times", type=int, help="only so many times")
        parser.add_argument("--rate", type=float, metavar="0..1", help="only that often")
        parser.add_argument("--field", help="which field the fault is about (missing, null, renamed, wrong_type)")
        parser.add_argument("--item", type=int, help="only this item of a list, from 0")
        parser.add_argument("--base-port", type=int, help="as the sandbox was started with")
        parser.add_argument("--host", default="127.0.0.1", help="as the sandbox was started with")

    def handle(self, *_: Any, **options: Any) -> None:
        fault = fault_of(options)
        method = "DELETE" if options["clear"] else "PUT" if fault else "GET"
        for service, (url, setting) in _addresses(options).items():
            faults = _ask(method, f"{url}/_sandbox/fault", fault, f"{url} ({setting})")
            shown = "; ".join(_shown(one) for one in faults) or "no fault"
            self.stdout.write(f"{service}: {shown}")


def fault_of(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fault that the options describe; None where they describe none. Raises CommandError for half of one."""
    names = ("operation", "times", "rate", "field", "item", "retry_after")
    details = {name: options[name] for name in names if options[name] is not None}
    fault: dict[str, Any] = {}
    if options["kind"] is not None:
        fault = {"kind": options["kind"]}
    elif options["status"] is not None:
        fault = {"kind": "status", "status": options["status"]}
    elif options["error_rate"] is not None:
        fault = {"kind": "error", "rate": options["error_rate"]}
    elif options["delay"] is not None and not options["clear"]:
        fault = {"kind": "delay"}
    if not fault and (details or options["delay"] is not None):
        raise CommandError(
            "Say what fault it is: --down, --delay, --error-rate, --hang, --garbage, --status or --kind."
        )
    if options["delay"] is not None:
        fault["delay_seconds"] = options["delay"]
    return {**fault, **details} or None


def _addresses(options: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    if options["base_port"] is not None:
        places = places_in_a_row(options["host"], options["base_port"])
        known = {place.service: (f"http://{place.host}:{place.port}", "--base-port") for place in places}
    else:
        known = {
            place.service: (upstream_conf(place.service).base_url, place.setting) for place in places_of_settings()
        }
    if options["service"] == "all":
        return known
    if options["service"] not in known:
        raise CommandError(f"{options['service'].upper()}_SERVICE_URL is not on this machine: no sandbox stands there.")
    return {options["service"]: known[options["service"]]}


def _ask(method: str, url: str, fault: dict[str, Any] | None, shown: str) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.request(method, url, json=fault, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        except requests.RequestException as error:
            raise CommandError(f"No sandbox answers at {shown}. Start it with: manage.py sandbox") from error
    try:
        said = answer.json()
        if answer.status_code == 400:
            raise CommandError(f"The sandbox refused the fault: {said['detail']}")
        faults: list[dict[str, Any]] = said["faults"]
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"What answers at {shown} is not the sandbox.") from error
    return faults


def _shown(fault: Mapping[str, Any]) -> str:
    details = " ".join(f"{name}={value}" for name, value in fault.items() if name != "kind")
    return f"{fault['kind']} {details}".strip()
