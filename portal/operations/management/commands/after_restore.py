"""`manage.py after_restore`: to be run once on a restored database, before any worker is started."""

import sys

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from portal.operations.restored import make_fit


class Command(BaseCommand):
    help = "See that nothing is sent twice after a restore: what may have left is unknown. Then check the books."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--sent-until",
            type=parse_datetime,
            help="when the lost system sent its last message, ISO 8601 with a zone (default: now, which is always safe)",
        )
        parser.add_argument("--json", action="store_true", help="for programs")

    def handle(self, *args, **options) -> None:
        done = make_fit(sent_until=options["sent_until"] or timezone.now())
        if options["json"]:
            self.stdout.write(done.as_json())
        else:
            self.stdout.write(
                f"Unknown now: {done.in_hand} that were in a worker's hands, {done.queued} that were queued. "
                f"Stopped campaigns: {done.campaigns}. By the figures {done.accepted} messages were accepted, {done.final} are final."
            )
        for problem in done.problems:
            self.stderr.write(f"BROKEN  {problem}")
        if done.problems or done.ripe:
            sys.exit(1)
