"""`manage.py explain`: a request by its id, or the latest that are explained."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from gateway_clients.console.explanations import found, latest
from gateway_clients.console.management.deeds import AnsweringCommand, as_json
from gateway_clients.console.moments import moment_of
from gateway_clients.console.routes import route_text
from gateway_clients.console.waterfall import notes_of
from gateway_clients.fleet.explanations import Explanation
from gateway_clients.fleet.sampler import Kind


class Command(AnsweringCommand):
    """Explains one request, or lists the latest."""

    help = "Explains the request with this id; without one it lists the latest that are explained."

    def add_arguments(self, parser: CommandParser) -> None:
        """What may be asked for."""
        parser.add_argument("request_id", nargs="?")
        parser.add_argument("--kind", choices=[str(kind) for kind in Kind], default="")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Raises CommandError while Redis is down, and for a request of which nothing is kept."""
        if options["request_id"]:
            explanation, is_redis_down = found(options["request_id"])
            if explanation is None:
                raise CommandError("Redis does not answer." if is_redis_down else "Nothing is kept of it.")
            self.stdout.write(as_json(explanation) if options["json"] else "\n".join(_lines(explanation)))
            return
        listed, is_redis_down = latest(options["kind"])
        if is_redis_down:
            raise CommandError("Redis does not answer.")
        if options["json"]:
            self.stdout.write(as_json(listed))
            return
        for each in listed:
            at = moment_of(each.at)
            route = f"{each.method} {route_text(each.route)}"
            self.stdout.write(
                f"{at:%H:%M:%S}  {each.kind:<8}{each.status} {each.spent_ms:>7.0f} ms  {each.request_id}  {route}"
            )


def _lines(explanation: Explanation) -> list[str]:
    lines = [
        f"{explanation.method} {route_text(explanation.route)}: {explanation.status} after "
        f"{explanation.spent_ms:.1f} ms of {explanation.budget_ms:.0f} ms, "
        f"{explanation.kind} {explanation.code}".rstrip(),
        f"asked by {explanation.caller}, process {explanation.process}, version {explanation.version}",
    ]
    for call in explanation.calls:
        lines.append(
            f"  {call.started_ms:>8.1f} ms  {call.service} {call.operation}: {call.state}, spent {call.spent_ms:.1f} ms"
            f" of {call.planned_ms or 0:.0f} ms planned; {'; '.join(notes_of(call))}".rstrip("; ")
        )
        lines += [f"    {step.at_ms:>8.1f} ms  {step.what}: {step.detail}".rstrip(": ") for step in call.steps]
    lines += [
        f"  {section.view}.{section.name}: {section.state} {section.error or ''}".rstrip()
        for section in explanation.sections
    ]
    return lines
