"""`manage.py archive_wal --to FOLDER`: runs for ever and keeps PostgreSQL's log, so that a restore loses seconds, not hours."""

import os
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.operations.postgres_tools import backup_url, environment, run_tool, tool
from portal.stack.errors import StackError

SLOT = "signalbox_archive"


class Command(BaseCommand):
    help = "Receive PostgreSQL's log as it is written (pg_receivewal), with a slot, so that none is missed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, required=True, help="the folder for the log's files")

    def handle(self, *args, **options) -> None:
        folder = options["to"].absolute()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            url = backup_url()
            run_tool("pg_receivewal", "--slot", SLOT, "--create-slot", "--if-not-exists", "--no-password", url=url)
        except StackError as error:
            raise CommandError(str(error)) from error
        program = tool("pg_receivewal")
        words = [program, "--directory", folder, "--slot", SLOT, "--synchronous", "--no-password"]
        os.execve(program, [os.fspath(word) for word in words], dict(environment(url)))  # noqa: S606  it takes our place
