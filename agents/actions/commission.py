from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Organisation
from agents.errors import NotYourReseller
from agents.models import CommissionRule
from agents.rules.commission import COMMISSION_RULES
from kit.errors import Invalid

ALL = 10_000


@transaction.atomic
def set_commission_rule(
    *, seller: Organisation, agent: Organisation, basis: str, basis_points: int, code: str = "percentage"
) -> CommissionRule | None:
    """From now on the seller pays the agent below it this share of what is bought below the agent; 0 ends it.

    What was sold before stays settled by the rule of its time.  The same rule again changes nothing.  Runs in the
    seller's downline scope.  Raises NotYourReseller, and Invalid naming the field.
    """
    if agent.parent_id != seller.pk or agent.kind != Organisation.Kind.AGENT:
        raise NotYourReseller
    _check(basis, basis_points, code)
    Organisation.objects.select_for_update(no_key=True).get(pk=agent.pk)  # two who set a rule take turns
    before = CommissionRule.objects.filter(organisation=agent, basis=basis, ended_at=None).first()
    if before is not None and (before.code, before.basis_points, before.paid_by_id) == (code, basis_points, seller.pk):
        return before
    now = timezone.now()
    CommissionRule.objects.filter(organisation=agent, basis=basis, ended_at=None).update(ended_at=now)
    made = None
    if basis_points:
        made = CommissionRule.objects.create(
            organisation=agent, basis=basis, code=code, basis_points=basis_points, paid_by=seller, created_at=now
        )
    record(
        action="commission.set", target=agent, organisation=agent,
        before={basis: before.basis_points if before else 0}, after={basis: basis_points},
    )  # fmt: skip
    return made


def _check(basis: str, basis_points: int, code: str) -> None:
    if basis not in CommissionRule.Basis.values:
        raise Invalid(fields={"basis": basis})
    if code not in COMMISSION_RULES:
        raise Invalid(fields={"code": code})
    if not 0 <= basis_points <= ALL:
        raise Invalid(fields={"basis_points": _("A share lies between 0 and 100 per cent.")})
