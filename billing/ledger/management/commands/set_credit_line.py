"""How far below zero an organisation's wallet may go."""

from argparse import ArgumentParser
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts import audit
from accounts.models import Organisation
from billing.ledger.actions import set_credit_line
from kit import tenancy
from kit.errors import DomainError
from kit.money import money


class Command(BaseCommand):
    help = "Let an organisation's wallet go that far below zero: manage.py set_credit_line ORGANISATION_ID 500.00"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organisation", type=UUID, help="the organisation's id, as its settings page shows it")
        parser.add_argument("amount", help="in units of its currency, such as 500.00; 0 takes the line away")

    def handle(self, *, organisation: UUID, amount: str, **options) -> None:
        with tenancy.as_engine():
            found = Organisation.objects.filter(pk=organisation).first()
            if found is None:
                raise CommandError(f"organisation: there is none with the id {organisation}")
            try:
                wallet = set_credit_line(organisation=found, amount=money(amount))
            except ValueError as error:
                raise CommandError(f"amount: {error}") from error
            except DomainError as error:
                raise CommandError(str(error)) from error
            audit.record(
                action="credit_line.set", target=wallet, organisation=found, after={"amount": amount}
            )  # fmt: skip
        self.stdout.write(f"{found.name} may go to -{amount} {found.currency}.")
