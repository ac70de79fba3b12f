"""Many stored messages, to find things among and to send beside.

    nice .venv/bin/python bench/stored.py [--messages 10000000]

Fills a house of its own under var/bench/stored with so many settled messages over the ten days before yesterday: 50
organisations (the demo customer has a quarter of all), 200 campaigns, attempts, receipts, counters, a long wallet
statement and a long audit trail.  The house is kept; asked again for as many, it does nothing.  Ten million rows take
about 14 GB.
"""

import argparse
import json
import shutil
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.house import ROOT, House, WentWrong, enter, house  # noqa: E402
from bench.statements import Database  # noqa: E402

VAR = ROOT / "var" / "bench" / "stored"
MARK = VAR / "stored.json"
DAYS = 10
ORGANISATIONS, CAMPAIGNS = 50, 200
MOVEMENTS, AUDIT_ENTRIES = 40_000, 50_000
BYTES_A_MESSAGE = 1_600
PRICE = 45_000  # micros a segment
SQL = ROOT / "bench" / "sql"


def fill_kept(messages: int, *, port: int) -> None:
    """See that the kept house holds so many messages.  Raises WentWrong when the disk has no room for them."""
    if MARK.exists() and json.loads(MARK.read_text())["messages"] >= messages:
        return
    room = shutil.disk_usage(ROOT).free
    if room < messages * BYTES_A_MESSAGE * 1.5:
        raise WentWrong(f"{messages:,} messages need more disk than the {room / 1e9:.0f} GB that are free")
    with house(VAR, port=port) as found:
        enter(found)
        with Database(found.admin_dsn) as database:
            fill(found, database, messages)
    MARK.write_text(json.dumps({"messages": messages, "filled": datetime.now(UTC).isoformat()}))


def fill(found: House, database: Database, messages: int) -> None:
    began = time.monotonic()
    make_world(found, database)
    today = database.one("SELECT (now() AT TIME ZONE 'UTC')::date")
    each = messages // DAYS
    database.execute("SET synchronous_commit = off")
    database.execute("SET work_mem = '256MB'")
    database.execute("SET maintenance_work_mem = '1GB'")
    for place in range(DAYS):
        fill_day(database, today - timedelta(days=DAYS + 1 - place), place=place, first=place * each, count=each)
        say(began, f"day {place + 1} of {DAYS}: {(place + 1) * each:,} messages")
    run(database, "campaigns")
    run(database, "statement", movements=MOVEMENTS)
    run(database, "audit", entries=AUDIT_ENTRIES)
    database.execute("VACUUM (ANALYZE)")
    database.execute("CHECKPOINT")
    size = database.one("SELECT pg_size_pretty(pg_database_size(current_database()))")
    say(began, f"stored, {size}")


def say(began: float, what: str) -> None:
    print(f"[{time.monotonic() - began:6.1f}s] {what}", flush=True)


def fill_day(database: Database, day: date, *, place: int, first: int, count: int) -> None:
    """One day's partition: filled while it has no index, then given to the table, which makes them."""
    name = f"engine_message_{day:%Y%m%d}"
    begin = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
    values = {"day": place, "first": first, "last": first + count - 1, "begin": begin, "step": 86_400_000 / count}
    bounds = {"date": day.isoformat(), "next": (day + timedelta(days=1)).isoformat()}
    run(database, "day", name=name, **bounds)
    run(database, "messages", name=name, **values)
    run(database, "attach", name=name, **bounds)
    run(database, "sent", name=name)
    run(database, "counts", name=name)


def run(database: Database, script: str, **words: Any) -> None:
    """Run the statements of a file, one by one; `words` are ours and put in as they are."""
    text = (SQL / f"{script}.sql").read_text().format(**words)
    for statement in text.split(";\n"):
        if statement.strip():
            database.execute(statement)


# --- the world: through the house's own actions and models, noted down for the statements in bench/sql


def make_world(found: House, database: Database) -> None:
    from accounts.models import ApiKey, Organisation
    from bench.sender import live_key
    from billing.ledger.actions import account_of
    from billing.ledger.models import Account
    from kit import tenancy
    from messaging.channels.models import Channel
    from messaging.content.models import TemplateVersion

    name, _key = live_key(found)
    with tenancy.as_engine():
        customer = Organisation.objects.get(name=name)
        operator = Organisation.objects.get(kind=Organisation.Kind.OPERATOR)
        for organisation, kind in (
            (customer, "WALLET"),
            (customer, "HOLD"),
            (operator, "REVENUE"),
            (operator, "CLEARING"),
        ):
            account_of(organisation, Account.Kind[kind], customer.currency)
        tenants = [customer, *make_tenants(customer)]
        channel = Channel.objects.get(type="smpp")
        key = ApiKey.objects.filter(organisation=customer, is_live=True).first()
        version = TemplateVersion.objects.filter(organisation=customer, status="approved").first()
        quotes = make_quotes(tenants, operator)
        campaigns = make_campaigns(tenants, version, key.created_by)
    database.execute("DROP TABLE IF EXISTS bench_organisation, bench_campaign")
    database.execute(
        "CREATE TABLE bench_organisation (place integer PRIMARY KEY, id uuid, quote_id uuid, price bigint, currency text,"
        " channel_id uuid, key_id uuid, template_version_id uuid)"
    )
    database.execute("CREATE TABLE bench_campaign (place integer PRIMARY KEY, id uuid)")
    for place, (tenant, quote) in enumerate(zip(tenants, quotes, strict=True)):
        row = (
            place,
            tenant.pk,
            quote.pk,
            quote.price,
            quote.currency,
            channel.pk,
            key.pk,
            None if place else version.pk,
        )
        database.execute("INSERT INTO bench_organisation VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", *row)
    for place, campaign in enumerate(campaigns):
        database.execute("INSERT INTO bench_campaign VALUES (%s, %s)", place, campaign.pk)


def make_tenants(customer) -> list:
    from accounts.actions import create_organisation

    return [
        create_organisation(
            name=f"Stored {number:02}", parent=customer.parent, status=customer.status, currency=customer.currency,
            country=customer.country, time_zone=customer.time_zone,
        )
        for number in range(1, ORGANISATIONS)
    ]  # fmt: skip


def make_quotes(tenants: list, operator) -> list:
    from billing.pricing.models import Quote

    return Quote.objects.bulk_create(
        Quote(
            organisation=tenant, country="CN", category="notice", currency=tenant.currency, price=PRICE,
            platform=operator, platform_part=PRICE, fingerprint="bench",
        )
        for tenant in tenants
    )  # fmt: skip


def make_campaigns(tenants: list, version, person) -> list:
    """A fifth of them are the first tenant's, four a day; bench/sql/messages.sql knows whose the others are."""
    from kit.ids import uuid7_at
    from messaging.campaigns.models import Campaign

    own, now = DAYS * 4, datetime.now(UTC)
    campaigns = []
    for place in range(CAMPAIGNS):
        at = now - timedelta(days=DAYS + 1) + timedelta(hours=6 * place if place < own else place)
        tenant = tenants[0 if place < own else 1 + (place - own) % (ORGANISATIONS - 1)]
        campaigns.append(
            Campaign(
                id=uuid7_at(int(at.timestamp() * 1000)), organisation=tenant, name=f"Stored {place}", status="sent",
                category="promotion", version=version if place < own else None, recipients=1, accepted=1,
                created_by=person, started_at=at, all_accepted_at=at, ended_at=at,
            )
        )  # fmt: skip
    return Campaign.objects.bulk_create(campaigns)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--port", type=int, default=8101)
    asked = parser.parse_args()
    try:
        fill_kept(asked.messages, port=asked.port)
    except WentWrong as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    print(f"{VAR} holds {json.loads(MARK.read_text())['messages']:,} messages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
