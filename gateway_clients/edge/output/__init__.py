"""What goes out: view models, problems, and the headers of an answer."""

from gateway_clients.edge.output.deprecation import Deprecation
from gateway_clients.edge.output.formats import FormattedRupiah, Moment, Rupiah, format_rupiah, known
from gateway_clients.edge.output.negotiation import Negotiation
from gateway_clients.edge.output.problems import Problem, exception_handler, problem_answer, problem_from
from gateway_clients.edge.output.sections import has_more, required_section
from gateway_clients.edge.output.view_models import NEWEST, HasMore, ViewMeta, ViewModel, meta_of

__all__ = [
    "NEWEST",
    "Deprecation",
    "FormattedRupiah",
    "HasMore",
    "Moment",
    "Negotiation",
    "Problem",
    "Rupiah",
    "ViewMeta",
    "ViewModel",
    "exception_handler",
    "format_rupiah",
    "has_more",
    "known",
    "meta_of",
    "problem_answer",
    "problem_from",
    "required_section",
]
