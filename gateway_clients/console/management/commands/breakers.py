"""`manage.py breakers`: the breakers over all processes, and the levers on them."""

from functools import partial
from typing import Any

from django.contrib.admin.models import CHANGE
from django.core.management.base import CommandError, CommandParser

from gateway_clients.conf import SERVICES
from gateway_clients.console import levers
from gateway_clients.console.breakers import shown_upstreams
from gateway_clients.console.levers import BACK_TO_NORMAL, Wish
from gateway_clients.console.management.deeds import AnsweringCommand, as_json, record, staff_of
from gateway_clients.console.measurements import measure
from gateway_clients.console.models import Breaker
from gateway_clients.resilience.breaker import Override

ACTIONS = {"open": Override.FORCED_OPEN.value, "close": Override.FORCED_CLOSED.value, "normal": BACK_TO_NORMAL}


class Command(AnsweringCommand):
    """Shows the breakers, or steers one as its page does."""

    help = "Shows the breakers; open, close or normal steers one: breakers open claims --minutes 15 --by … --reason …"

    def add_arguments(self, parser: CommandParser) -> None:
        """What may be asked for."""
        parser.add_argument("action", nargs="?", choices=["show", *ACTIONS, "agree", "refuse"], default="show")
        parser.add_argument("subject", nargs="?", help="The upstream, or the number of a proposal.")
        parser.add_argument("--minutes", type=int, default=15)
        parser.add_argument("--reason", default="")
        parser.add_argument("--ticket", default="")
        parser.add_argument("--by", default="", help="The e-mail of the staff who orders it.")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises CommandError for what cannot be done."""
        action = options["action"]
        if action == "show":
            self._show(is_json=options["json"])
            return
        account = staff_of(options["by"], "console.change_breaker")
        if action in ACTIONS:
            told = self._steer(account, options)
        else:
            told = self._decide(account, options["subject"], is_approved=action == "agree")
        self.stdout.write(as_json(told) if options["json"] else told["text"])

    def _show(self, *, is_json: bool) -> None:
        found = measure()
        rows = [
            {
                "upstream": each.name,
                "state": each.line.state,
                "override": each.line.override,
                "until": None if each.order is None else each.order.until,
                "reason": "" if each.order is None else each.order.reason,
                "open_in": each.open_in,
                "processes": len(each.breakers),
                "calls_per_second": round(each.line.calls_per_second, 2),
                "error_percent": round(each.line.error_percent, 1),
                "impact": each.impact.text,
            }
            for each in shown_upstreams(found)
        ]
        proposals = [
            {"number": each.pk, "upstream": each.service, "minutes": each.minutes, "reason": each.reason}
            for each in levers.open_proposals()
        ]
        if is_json:
            whole = {"is_redis_down": found.is_redis_down, "breakers": rows, "proposals": proposals}
            self.stdout.write(as_json(whole))
            return
        for row in rows:
            state = row["override"] or row["state"]
            self.stdout.write(f"{row['upstream']:<13}{state:<15}{row['calls_per_second']:>8} calls/s  {row['impact']}")
        for each in proposals:
            self.stdout.write(f"Proposal {each['number']}: close {each['upstream']}: {each['reason']}")

    def _steer(self, account: Any, options: dict[str, Any]) -> dict[str, Any]:
        service = options["subject"]
        if service not in SERVICES:
            raise CommandError(f"Name one of {', '.join(SERVICES)}.")
        if not options["reason"].strip() or len(options["reason"]) > 300 or not 1 <= options["minutes"] <= 1440:
            raise CommandError("It takes a --reason of at most 300 letters, and 1 to 1440 --minutes.")
        wish = Wish(
            service=service,
            action=ACTIONS[options["action"]],
            minutes=options["minutes"],
            reason=options["reason"].strip(),
            ticket=options["ticket"][:64],
        )
        write = partial(_record, account, service)
        if levers.needs_second_person(wish):
            proposal = levers.propose(wish, by=str(account.pk), record=write)
            return {"text": f"Proposed as {proposal.pk}; a second person has to agree.", "proposal": proposal.pk}
        levers.fulfil(wish, by=str(account.pk), record=write)
        return {"text": f"{service}: {wish.text}", "proposal": None}

    def _decide(self, account: Any, number: str | None, *, is_approved: bool) -> dict[str, Any]:
        proposal = next((each for each in levers.open_proposals() if str(each.pk) == number), None)
        if proposal is None:
            raise CommandError("There is no such proposal.")
        try:
            write = partial(_record, account, proposal.service)
            wish = levers.decide(proposal, by=str(account.pk), is_approved=is_approved, record=write)
        except levers.SamePersonError:
            raise CommandError("Somebody else has to agree to it.") from None
        except levers.ProposalGoneError:
            raise CommandError("It was decided already, or its time is over.") from None
        return {"text": f"{wish.service}: {'agreed' if is_approved else 'refused'}.", "proposal": proposal.pk}


def _record(account: Any, service: str, text: str) -> None:
    record(account, Breaker, flag=CHANGE, about=service, text=text)
