from django.core.management.base import BaseCommand

from portal.site.demo import is_planted, plant, point_at_carrier


class Command(BaseCommand):
    help = "Plants the demo world where there is none, and leaves its sign-ins in var/demo-accounts.json."

    def handle(self, *args, **options) -> None:
        if not is_planted():
            plant()
            self.stdout.write("The demo world is planted: var/demo-accounts.json tells how to sign in.")
        elif point_at_carrier():
            self.stdout.write("The demo world was there already; its channel follows the carrier to its new port.")
        else:
            self.stdout.write("The demo world was there already; nothing was changed.")
