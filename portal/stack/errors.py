class StackError(Exception):
    """Why the house cannot start or go on, in one sentence for the person at the keyboard."""


class StopRequested(Exception):
    """Ctrl-C or SIGTERM came while something was being waited for."""
