"""Documents, read and checked once and then kept."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings
from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLID,
    GraphQLSchema,
    GraphQLString,
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Token,
    TokenKind,
    VariableNode,
    Visitor,
    execute_sync,
    get_nullable_type,
    parse,
    type_from_ast,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

from gateway_clients.edge.graphql import complexity, guards
from gateway_clients.edge.graphql.errors import RequestRefusedError
from gateway_clients.edge.graphql.memory_allowance import Account, Allowance, weight_of
from gateway_clients.edge.graphql.selection import INTROSPECTION, Fragments, SelectedField, Selection, Variables, select

#: How many bytes of documents a process keeps, with all that is kept beside them: some 200 of usual size.
MAX_KEPT_BYTES: Final = 16_000_000
#: How many ways through one operation's @skip and @include are kept.
MAX_KEPT_SELECTIONS: Final = 16
MAX_ERRORS: Final = 20
#: Stands for the tokens of a document that was checked.
NO_TOKEN: Final = Token(TokenKind.SOF, 0, 0, 0, 0)
#: The types whose variables are texts as they are given.
TEXTS: Final[Sequence[Any]] = (GraphQLString, GraphQLID)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a checked document. `texts`: its variables, when all of them are strings or ids.

    `account`: what its document may keep.
    """

    schema: GraphQLSchema
    node: OperationDefinitionNode
    fragments: Fragments
    conditions: tuple[str, ...]
    account: Account
    texts: tuple[str, ...] | None = None
    _selections: dict[tuple[Any, ...], Selection] = field(default_factory=dict)

    @property
    def is_mutation(self) -> bool:
        """Whether it changes something."""
        return self.node.operation is OperationType.MUTATION

    def introspect(self, asked: Sequence[SelectedField], given: Mapping[str, Any]) -> dict[str, Any]:
        """What `__schema` and `__type` tell: graphql-core answers these."""
        nodes = [node for chosen in asked for node in chosen.nodes]
        operation = OperationDefinitionNode(
            operation=OperationType.QUERY,
            variable_definitions=self.node.variable_definitions,
            selection_set=SelectionSetNode(selections=nodes),
        )
        result = execute_sync(
            self.schema, DocumentNode(definitions=[operation, *self.fragments.values()]), variable_values=dict(given)
        )
        return result.data or {}

    def variables(self, given: Mapping[str, Any]) -> Variables:
        """The variables as the schema wants them. Raises RequestRefusedError."""
        if not self.node.variable_definitions:
            return {}
        if self.texts is not None and all(type(given.get(name)) is str for name in self.texts):
            return {name: given[name] for name in self.texts}
        found = get_variable_values(self.schema, self.node.variable_definitions, dict(given), max_errors=MAX_ERRORS)
        if isinstance(found, list):
            raise RequestRefusedError(found)
        return found

    def selection(self, variables: Variables) -> Selection:
        """What it asks for, with these variables. Raises GraphQLError for what would cost too much."""
        case = tuple(variables.get(name) for name in self.conditions)
        selection = self._selections.get(case)
        if selection is None:
            root = self.schema.get_root_type(self.node.operation)
            assert root is not None
            selection = select(root, [self.node.selection_set], self.fragments, variables)
            complexity.check(selection, variables)
            if self._is_to_keep(case, selection):
                self._selections[case] = selection
        elif selection.has_limits:
            complexity.check(selection, variables)
        return selection

    def _is_to_keep(self, case: tuple[Any, ...], selection: Selection) -> bool:
        """Whether there is room; the nodes are the document's, which is weighed already."""
        if len(self._selections) >= MAX_KEPT_SELECTIONS or not self.account.is_open:
            return False
        return self.account.take(weight_of(case, selection, without=(Node,)))


@dataclass(frozen=True, slots=True)
class Document:
    """A checked document."""

    operations: Mapping[str | None, Operation]
    account: Account
    introspection_errors: Sequence[GraphQLError]

    def operation(self, name: str | None) -> Operation:
        """The operation of that name, or the only one.

        Raises RequestRefusedError, also for a kind of operation that the schema does not have.
        """
        operation = self._named(name)
        kind = operation.node.operation
        if operation.schema.get_root_type(kind) is None:
            raise RequestRefusedError([GraphQLError(f"The schema has no {kind.value}.", operation.node)])
        return operation

    def _named(self, name: str | None) -> Operation:
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise RequestRefusedError(["The document has several operations: operationName must say which."])
        if name not in self.operations:
            raise RequestRefusedError(["The document has no operation of that name."])
        return self.operations[name]


class Documents:
    """The documents of one schema that were asked for last, by their text; and their texts by their SHA-256.

    Together with the ways through them that are kept they weigh `max_kept_bytes` at most.
    """

    def __init__(self, schema: GraphQLSchema, *, max_kept_bytes: int = MAX_KEPT_BYTES) -> None:
        self._schema = schema
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._allowance = Allowance(max_kept_bytes)
        self._texts: dict[str, str] = {}

    @property
    def kept_bytes(self) -> int:
        """What is kept."""
        return self._allowance.kept_bytes

    def get(self, text: str, *, is_to_keep: bool = True) -> Document:
        """The document, read and checked unless that was done before. Raises RequestRefusedError."""
        with self._lock:
            document = self._kept.get(text)
            if document is not None:
                self._kept.move_to_end(text)
        if document is None:
            document = _checked(self._schema, text)
            if is_to_keep:
                self._keep(text, document)
        if document.introspection_errors and not settings.GRAPHQL_INTROSPECTION:
            raise RequestRefusedError(document.introspection_errors)
        return document

    def has(self, text: str) -> bool:
        """Whether the document was read and checked before."""
        return text in self._kept

    def text_of(self, sha256: str) -> str | None:
        """The text of a document that is kept."""
        return self._texts.get(sha256)

    def _keep(self, text: str, document: Document) -> None:
        """Makes room by forgetting those that nobody has asked for the longest."""
        sha256 = sha256_of(text)
        weight_bytes = weight_of(text, sha256, document)
        if weight_bytes > self._allowance.most_bytes:
            return
        with self._lock:
            if text in self._kept:
                return
            while not document.account.open(self._allowance, weight_bytes):
                oldest, forgotten = self._kept.popitem(last=False)
                forgotten.account.close()
                del self._texts[sha256_of(oldest)]
            self._kept[text] = document
            self._texts[sha256] = text


def sha256_of(text: str) -> str:
    """In hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(schema: GraphQLSchema, text: str) -> Document:
    try:
        node = parse(
            text,
            max_lexical_tokens=guards.MAX_TOKENS,
            max_comments=guards.MAX_TOKENS,
            max_source_length=guards.MAX_BYTES,
        )
        guards.check(node)
        errors = validate(schema, node, max_errors=MAX_ERRORS)
    except (GraphQLSyntaxError, GraphQLError) as error:
        raise RequestRefusedError([error]) from None
    except RecursionError:
        raise RequestRefusedError(["The document is nested too deeply."]) from None
    if errors:
        raise RequestRefusedError(errors)
    fragments = {each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
    if not operations:
        raise RequestRefusedError(["The document has no operation."])
    finder = _Finder()
    visit(node, finder)
    conditions = tuple(sorted(finder.conditions))
    account = Account()
    return Document(
        {
            each.name.value if each.name else None: Operation(
                schema, each, fragments, conditions, account, _texts(schema, each)
            )
            for each in operations
        },
        account,
        finder.introspection_errors,
    )


def _texts(schema: GraphQLSchema, operation: OperationDefinitionNode) -> tuple[str, ...] | None:
    """The names of its variables, if what is given for them may be taken as it is wherever it is a text."""
    kinds: list[Any] = [type_from_ast(schema, each.type) for each in operation.variable_definitions]
    if not all(get_nullable_type(kind) in TEXTS for kind in kinds):
        return None
    return tuple(each.variable.name.value for each in operation.variable_definitions)


class _Finder(Visitor):
    """Finds the variables that @skip and @include ask about, and introspection, of which `__typename` is none here.

    On its way it takes the tokens off each node, which nobody needs any more: a third of what a document weighs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conditions: set[str] = set()
        self.introspection_errors: list[GraphQLError] = []

    def enter(self, node: Node, *_: Any) -> None:
        """Any other node."""
        _forget_tokens(node)

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Both have one argument, `if`."""
        _forget_tokens(node)
        self.conditions |= {each.value.name.value for each in node.arguments if isinstance(each.value, VariableNode)}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """`__schema` and `__type`."""
        _forget_tokens(node)
        if node.name.value in INTROSPECTION:
            self.introspection_errors.append(GraphQLError("Introspection is switched off.", node))


def _forget_tokens(node: Node) -> None:
    if node.loc is not None:
        node.loc.start_token = node.loc.end_token = NO_TOKEN
