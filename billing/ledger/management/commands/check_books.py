"""`manage.py check_books`: are the books right?  Safe on a live system; exit 1 when they are not."""

import sys

from django.core.management.base import BaseCommand

from billing.ledger.books import EVERYTHING, problems
from kit import tenancy


class Command(BaseCommand):
    help = "Check every invariant of the books and of the messages they tell of, and exit with 1 when one is broken."

    def handle(self, *args, **options) -> None:
        with tenancy.as_engine():
            found = problems(EVERYTHING)
        for problem in found:
            facts = ", ".join(f"{name} {value}" for name, value in problem.row.items())
            self.stderr.write(f"BROKEN  {problem.invariant}: {facts}")
        if found:
            sys.exit(1)
        self.stdout.write(f"The books are right: {len(EVERYTHING)} invariants hold.")
