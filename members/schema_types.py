"""The GraphQL types of people."""

from graphene import InputField, InputObjectType, String

from gateway_clients.edge.access import Role
from gateway_clients.edge.graphql.types import TYPES
from members.view_models.accounts import SignedIn, User
from members.view_models.benefits import BenefitCategory, BenefitItem, Benefits, BenefitsOfCategory, BenefitsSummary
from members.view_models.insured import (
    Coverage,
    CoverageLevel,
    CoverageStatus,
    Eligibility,
    MemberStatus,
    Personal,
)
from members.view_models.records import Document, Notification, NotificationList, Payment, PaymentStatus, ReadCount

TYPES.enum(Role, member="A member.", provider="A member of a provider's staff.", admin="An administrator.")
TYPES.enum(
    MemberStatus,
    active="The membership is in force.",
    suspended="The membership is suspended.",
    terminated="The membership has ended.",
    unknown="A status that this version of the API does not know.",
)
TYPES.enum(
    CoverageStatus,
    active="Covered today.",
    grace_period="A premium is overdue. Still covered for now.",
    suspended="Coverage is suspended.",
    expired="Coverage has ended.",
    unknown="A status that this version of the API does not know.",
)
TYPES.enum(
    CoverageLevel,
    full="Covered in full.",
    partial="Covered in part.",
    none="Not covered.",
    unknown="A level that this version of the API does not know.",
)
TYPES.enum(
    BenefitCategory,
    outpatient="Treatment without a stay.",
    inpatient="Treatment with a stay.",
    dental="Dental care.",
    optical="Eye care and glasses.",
    maternity="Pregnancy and birth.",
    pharmacy="Medicines.",
    unknown="A category that this version of the API does not know.",
)
TYPES.enum(
    PaymentStatus,
    scheduled="Not yet paid.",
    paid="Paid.",
    failed="The payment failed.",
    unknown="A status that this version of the API does not know.",
)
USER = TYPES.make(User)
AUTH_RESPONSE = TYPES.make(SignedIn, name="AuthResponse", without=("token_type",))
PERSONAL = TYPES.make(Personal)
TYPES.make(Coverage, identity="{owner}")
ELIGIBILITY = TYPES.make(Eligibility, name="EligibilityResponse", identity="")
TYPES.make(BenefitItem, identity="{owner}:{code}")
TYPES.make(BenefitsOfCategory, identity="{owner}:{category}")
TYPES.make(Benefits, identity="{owner}")
TYPES.make(BenefitsSummary, identity="{owner}")
NOTIFICATION = TYPES.make(Notification)
NOTIFICATION_PAGE = TYPES.make(NotificationList, name="NotificationPage", identity="")
NOTIFICATIONS_READ = TYPES.make(ReadCount, name="NotificationsRead")
TYPES.make(Payment)
TYPES.make(Document)


class ContactInput(InputObjectType):
    """The contact details to change. Give at least one."""

    email = InputField(String, description="The new e-mail address.")
    phone = InputField(String, description="The new phone number: 5 to 20 digits, spaces, `+`, `-`, `(` or `)`.")
    address = InputField(String, description="The new postal address.")
