"""`manage.py sum_again`: have the days of earnings and spending summed anew.  Safe on a live system."""

from typing import Any

from django.core.management.base import BaseCommand

from agents.sums import sum_again


class Command(BaseCommand):
    help = "Forget the sums of what was earned and spent; beat makes them again, and pages read the rows meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        sum_again()
        self.stdout.write("Forgotten. Beat sums up to twenty days a minute.")
