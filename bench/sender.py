"""Who the load is sent as: the demo customer, with money for it, its key, its shortest notice and its sender."""

import json
import time
from dataclasses import dataclass
from uuid import UUID

from bench.house import House


@dataclass(frozen=True)
class Sender:
    """What a request needs to be accepted."""

    organisation: UUID
    key: str
    template: str
    sender: str
    values: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}

    def values_of(self, number: int) -> dict[str, str]:
        """Values for one message: the template's examples, the first with a number of its own in it."""
        if not self.values:
            return {}
        first = next(iter(self.values))
        return {**self.values, first: f"{number:08d}"}


def fund(house: House, *, messages: int, category: str = "notice") -> Sender:
    """Give the demo customer a unit of money for each message and choose what it sends.  Needs `enter` before."""
    from accounts.models import Organisation
    from kit import tenancy

    name, key = live_key(house)
    with tenancy.as_engine():
        customer = Organisation.objects.get(name=name)
        pay_in(customer, messages)
        return chosen(customer, key, category)


def make_promoter(house: House, *, messages: int) -> Sender:
    """Another customer, with money, a key and an approved promotion.  Needs `enter` before."""
    from accounts.actions import create_api_key, create_organisation
    from accounts.models import Organisation
    from accounts.rules.permissions import KEY_SCOPES
    from kit import tenancy
    from portal.site.demo import wordings

    name, _key = live_key(house)
    with tenancy.as_engine():
        model = Organisation.objects.get(name=name)
        operator = Organisation.objects.get(kind=Organisation.Kind.OPERATOR)
        person, reviewer = person_called("demo@meadowlark.example"), person_called("reviewer@signalbox.example")
        made = create_organisation(
            name=f"Promoter {time.time_ns()}", parent=model.parent, owner=person, status=Organisation.Status.ACTIVE,
            currency=model.currency, country=model.country, time_zone=model.time_zone,
        )  # fmt: skip
        made.refresh_from_db()
        reviews = [
            wordings.submit(made, wordings.MEMBERS_DAY, author=person),
            wordings.submit_name(made, kind="alphanumeric", name="Promoter", author=person),
        ]
        wordings.approve_all(operator, reviews, by=reviewer)
        with made.scope():
            key = create_api_key(organisation=made, name="Load", is_live=True, scopes=KEY_SCOPES, by=person)[1]
        pay_in(made, messages)
        return chosen(made, key, "promotion")


def person_called(email: str):
    from accounts.models import User

    return User.objects.get(email=email)


def pay_in(customer, amount: int) -> None:
    """So many units of its money, from nowhere in particular."""
    from accounts.models import Organisation
    from billing.ledger.actions import account_of, transfer
    from billing.ledger.models import Account, Reason
    from kit.money import money

    operator = Organisation.objects.get(kind=Organisation.Kind.OPERATOR)
    transfer(
        source=account_of(operator, Account.Kind.CLEARING, customer.currency),
        target=account_of(customer, Account.Kind.WALLET, customer.currency),
        amount=money(amount),
        reason=Reason.TOP_UP,
        reference=f"bench:{time.time_ns()}",
    )


def chosen(customer, key: str, category: str) -> Sender:
    """Its shortest approved text of a category, and an approved sender, a name before a signature."""
    from messaging.content.models import SenderId, TemplateVersion

    versions = TemplateVersion.objects.filter(organisation=customer, status="approved").select_related("template")
    version = min(versions, key=lambda one: (one.template.category != category, len(one.body)))
    senders = SenderId.objects.filter(organisation=customer, status="approved")
    sender = min(senders, key=lambda one: one.kind != "alphanumeric")
    values = {row["name"]: row["example"] for row in version.variables}
    return Sender(customer.pk, key, str(version.pk), str(sender.pk), values)


def live_key(house: House) -> tuple[str, str]:
    """The demo customer's name and its key for real traffic."""
    accounts = json.loads((house.var / "demo-accounts.json").read_text())
    found = next(one for one in accounts if one.get("kind") == "live_key")
    return found["email"], found["password"]
