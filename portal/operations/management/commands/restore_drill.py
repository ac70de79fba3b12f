"""`manage.py restore_drill --from FOLDER`: is the backup good?  Prints one line; exit 1 when it is not."""

import sys
import tempfile
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_datetime

from portal.operations.backup import newest_in
from portal.operations.drill import run_drill
from portal.stack.errors import StackError


class Command(BaseCommand):
    help = "Restore a backup off to the side, make it fit to open, check every invariant, and say how it went."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--from", dest="source", type=Path, required=True, help="a backup, or the folder that holds them"
        )
        parser.add_argument(
            "--wal", type=Path, help="the folder archive_wal writes to: restores what came after the backup too"
        )
        parser.add_argument("--until", type=parse_datetime, help="with --wal: up to this moment, ISO 8601 with a zone")
        parser.add_argument(
            "--scratch", type=Path, help="a new folder to restore in, which is kept (default: one that is deleted)"
        )

    def handle(self, *args, **options) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="signalbox-drill-", ignore_cleanup_errors=True) as temporary:
                Path(temporary).chmod(0o711)
                scratch = options["scratch"].absolute() if options["scratch"] else Path(temporary) / "var"
                verdict = run_drill(
                    backup=newest_in(options["source"].absolute()),
                    scratch=scratch,
                    wal=options["wal"],
                    until=options["until"],
                )
        except StackError as error:
            raise CommandError(str(error)) from error
        for problem in verdict.problems:
            self.stderr.write(f"BROKEN  {problem}")
        self.stdout.write(str(verdict))
        if not verdict.is_good:
            sys.exit(1)
