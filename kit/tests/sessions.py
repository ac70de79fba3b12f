"""Sessions with the database, and their end."""

import psycopg
from django.db import connection


def lose_connection():
    """End our session from outside, as a restarted server does."""
    pid = connection.connection.info.backend_pid
    address, password = connection.connection.info.dsn, connection.settings_dict["PASSWORD"]
    with psycopg.connect(address, password=password, options="") as other:  # as the owner, whose session it is
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
