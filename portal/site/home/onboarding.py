"""First use: what stands between an organisation and its first message, and the one next step."""

from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from django.utils.translation import gettext as _

from accounts.models import Membership, Organisation, User
from accounts.rules.permissions import Permission
from billing.ledger.queries import wallet_of
from billing.packages.queries import usable_allowances_of
from kit.sql import rows
from messaging.content.models import ReviewStatus, SenderId, TemplateVersion

from ..navigation import address


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.  `state` is done, waiting (for us) or open; `is_next` marks the first open one."""

    title: str
    text: str
    state: str
    action: str = ""
    url: str = ""
    is_next: bool = False


def has_sent(organisation: Organisation) -> bool:
    """Whether anything was ever accepted."""
    return bool(rows("SELECT 1 FROM engine_trafficcount WHERE organisation_id = %s LIMIT 1", [organisation.pk]))


def checklist(organisation: Organisation, membership: Membership, user: User) -> list[Step]:
    """The steps in order; only those the person may take have a button."""
    steps = [
        Step(_("Create your account"), _("E-mail confirmed."), "done"),
        two_step(user),
        sender_step(organisation),
        template_step(organisation),
        money_step(organisation),
        Step(
            _("Send your first message"),
            _("Upload a list, choose a template, and see each message arrive."),
            "open", _("New message"), address("messaging:campaign_new"),
        ),
    ]  # fmt: skip
    return marked([allowed(step, membership) for step in steps])


def two_step(user: User) -> Step:
    is_on = Authenticator.objects.filter(user=user).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()
    return Step(
        _("Turn on two-step sign-in"),
        _("A second proof at sign-in keeps your keys and money safe."),
        "done" if is_on else "open",
        _("Turn on"),
        address("mfa_index"),
    )


def sender_step(organisation: Organisation) -> Step:
    statuses = set(SenderId.objects.filter(organisation=organisation).values_list("status", flat=True))
    return reviewed_step(
        _("Register a sender"), _("The name people see, such as “Meadowlark”."), statuses, _("Add sender"),
        address("messaging:senders"),
    )  # fmt: skip


def template_step(organisation: Organisation) -> Step:
    statuses = set(TemplateVersion.objects.filter(organisation=organisation).values_list("status", flat=True))
    return reviewed_step(
        _("Get a template approved"), _("What you send again and again: a code, an order on its way."), statuses,
        _("Write template"), address("messaging:templates"),
    )  # fmt: skip


def reviewed_step(title: str, text: str, statuses: set[str], action: str, url: str) -> Step:
    if ReviewStatus.APPROVED in statuses:
        return Step(title, text, "done")
    if ReviewStatus.SUBMITTED in statuses:
        return Step(title, _("A person looks at it now. Most reviews take less than two hours."), "waiting", url=url)
    if ReviewStatus.REJECTED in statuses:
        return Step(title, _("It came back with a reason. Mend it and submit it again."), "open", _("See why"), url)
    return Step(title, text, "open", action, url)


def money_step(organisation: Organisation) -> Step:
    has_money = wallet_of(organisation).available > 0 or usable_allowances_of(organisation).exists()
    text = _("Credit or a package is there.") if has_money else _("Buy a package or top up your wallet.")
    state = "done" if has_money else "open"
    return Step(_("Have credit to send with"), text, state, _("See prices"), address("billing:packages"))


#: What a person needs to take a step; the others are their own business.
NEEDED = {
    "messaging:senders": Permission.MANAGE_CONTENT,
    "messaging:templates": Permission.MANAGE_CONTENT,
    "billing:packages": Permission.PAY,
    "messaging:campaign_new": Permission.MANAGE_CAMPAIGNS,
}


def allowed(step: Step, membership: Membership) -> Step:
    needed = {address(name): permission for name, permission in NEEDED.items()}.get(step.url)
    if step.url and (needed is None or membership.may(needed)):
        return step
    return Step(step.title, step.text, step.state)


def marked(steps: list[Step]) -> list[Step]:
    """The first open step is the next one, if it can be taken here."""
    for place, step in enumerate(steps):
        if step.state == "open" and step.url:
            steps[place] = Step(step.title, step.text, step.state, step.action, step.url, is_next=True)
            break
    return steps


def progress(steps: list[Step]) -> dict[str, Any]:
    return {"done": sum(step.state == "done" for step in steps), "total": len(steps)}
