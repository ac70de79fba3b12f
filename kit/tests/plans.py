"""What statements cost by their plans: how many rows they look at, whatever the clock says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from kit.sql import rows, run

#: How statements begin that change something.
CHANGES = ("WITH", "UPDATE", "DELETE", "INSERT")


@contextmanager
def rows_looked_at(*kinds: str) -> Iterator[dict[str, int]]:
    """By statement, the most rows that one step of its plan looked at while the block ran.  Only statements of these kinds."""
    most: dict[str, int] = {}

    def watch(execute, sql, params, many, context):
        if sql.lstrip().startswith(kinds or CHANGES):
            with connection.connection.transaction(force_rollback=True), connection.connection.cursor() as cursor:
                ((found,),) = cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params).fetchall()
            tree = json.loads(found)[0]["Plan"] if isinstance(found, str) else found[0]["Plan"]
            most[sql] = max(most.get(sql, 0), *(_looked_at(node) for node in _nodes(tree)))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield most


def _nodes(plan: dict) -> Iterator[dict]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def _looked_at(node: dict) -> int:
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return int(seen * node["Actual Loops"])


def analyse() -> None:
    """Have the planner know what is there now.  How many rows a table has it keeps, whatever becomes of the transaction."""
    owner = connection.settings_dict["USER"]  # only the owner may take statistics
    ((role,),) = rows("SELECT current_user")
    run(f"SET LOCAL ROLE {owner}")
    run("ANALYZE")
    run(f"SET LOCAL ROLE {role}")
