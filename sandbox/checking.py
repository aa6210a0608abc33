"""Holds requests and answers against the contract."""

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from sandbox.contract import Match, Operation, Parameter
from sandbox.messages import Answer, ProblemError, Question, Request, Row, UploadedFile
from sandbox.multipart import read_multipart

BOOLEANS: Final = {"true": True, "false": False}


class BrokenAnswerError(Exception):
    """The sandbox was about to give an answer that its contract does not allow."""


def read_question(match: Match, request: Request) -> Question:
    """What is asked.

    Raises ProblemError: 400 for parameters and syntax, 415 for the kind of body, 422 for one that breaks the schema.
    """
    operation = match.operation
    parameters = _parameters(match, request)
    body, file = _body(operation, request)
    return Question(
        operation=operation.id,
        parameters=parameters,
        body=body,
        file=file,
        idempotency_key=parameters.get("Idempotency-Key"),
    )


def check_answer(operation: Operation, answer: Answer) -> None:
    """Raises BrokenAnswerError when the contract does not allow this answer."""
    medias = operation.answers.get(str(answer.status), operation.answers.get("default"))
    if medias is None or (answer.status < 400 and str(answer.status) not in operation.answers):
        raise BrokenAnswerError(f"{operation.id} must not answer {answer.status}")
    if not medias:
        if answer.body:
            raise BrokenAnswerError(f"{operation.id} must answer {answer.status} without a body")
        return
    media = medias.get(answer.content_type or "")
    if media is None:
        raise BrokenAnswerError(f"{operation.id} must not answer {answer.status} as {answer.content_type}")
    if media.validator is not None:
        faults = _faults(media.validator, answer.document)
        if faults:
            raise BrokenAnswerError(f"{operation.id} {answer.status}: {faults}")


def _parameters(match: Match, request: Request) -> dict[str, Any]:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    query = dict(pairs)
    declared = {parameter.name for parameter in match.operation.parameters if parameter.place == "query"}
    unknown = sorted(set(query) - declared)
    if unknown:
        raise ProblemError(400, f"unknown parameter: {', '.join(unknown)}")
    if len(query) < len(pairs):
        raise ProblemError(400, "a parameter is given twice")
    places = {"path": match.path_values, "query": query}
    values: dict[str, Any] = {}
    for parameter in match.operation.parameters:
        if parameter.place == "header":
            text = request.headers.get(parameter.name.lower()) or None
        else:
            text = places[parameter.place].get(parameter.name)
        if text is not None:
            values[parameter.name] = _typed(parameter, text)
        elif parameter.is_required:
            raise ProblemError(400, f"{parameter.name} is required")
        else:
            values[parameter.name] = parameter.schema.get("default")
    return values


def _typed(parameter: Parameter, text: str) -> Any:
    value: Any = text
    if parameter.kind == "integer" and text.isascii() and text.removeprefix("-").isdigit() and len(text) < 19:
        value = int(text)
    elif parameter.kind == "boolean":
        value = BOOLEANS.get(text, text)
    faults = _faults(parameter.validator, value)
    if faults:
        raise ProblemError(400, f"{parameter.name}: {faults}")
    return value


def _body(operation: Operation, request: Request) -> tuple[Row, UploadedFile | None]:
    media = operation.body
    if media is None:
        return {}, None
    if not request.body and not operation.is_body_required:
        return {}, None
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != media.content_type:
        raise ProblemError(415, f"the body must be {media.content_type}")
    file: UploadedFile | None = None
    if media.content_type == "multipart/form-data":
        fields, file = read_multipart(content_type, request.body)
        body: Any = {**fields, **({"file": ""} if file else {})}
    else:
        try:
            body = msgspec.json.decode(request.body)
        except (ValueError, RecursionError) as error:
            raise ProblemError(400, "the body is not JSON") from error
    faults = _faults(media.validator, body)
    if faults:
        raise ProblemError(422, faults)
    return body, file


def _faults(validator: Any, value: Any) -> str:
    if validator.is_valid(value):
        return ""
    return "; ".join(
        f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in validator.iter_errors(value)
    )
