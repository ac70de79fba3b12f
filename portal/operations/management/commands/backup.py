"""`manage.py backup --to FOLDER`: while the house works."""

import time
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.operations.backup import take_backup
from portal.stack.errors import StackError


class Command(BaseCommand):
    help = "Copy the database, the uploads and the keys into a new folder, while everything goes on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, required=True, help="the folder that holds the backups")

    def handle(self, *args, **options) -> None:
        began = time.monotonic()
        try:
            folder = take_backup(to=options["to"].absolute())
        except StackError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Backed up to {folder} in {time.monotonic() - began:.1f} s.")
        self.stderr.write(
            f"It holds the keys that open what is sealed ({folder / 'secret'}): keep it where nobody else reads it."
        )
