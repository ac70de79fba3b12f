"""Run beside the house as one of its workers: a world with agents three deep, twenty organisations and three carriers.

Prints what clients need: a key for each customer, and what it may send.
"""

import json
import sys

import django
from django.conf import settings

CURRENCY = "GBP"
#: What each level asks for a segment of anything anywhere; the house asks less.
PRICES = ("0.1000", "0.1200", "0.1500")
CUSTOMERS = 17
COMMISSION_BASIS_POINTS = 700
#: The country each carrier serves.  For the others it stands in.
COUNTRIES = {"slow": "CN", "flaky": "GB", "throttling": "DE"}
#: A window of each line is in doubt when a worker process ends, one window when a carrier does, and all that is in hand when a
#: process freezes.  `test_doubt.py` counts what that makes of the long form's faults.
WINDOW = 2
NAME = {"name": "name", "type": "text", "example": "Ada", "max_length": 20}
CODE = {"name": "code", "type": "code", "example": "204913", "max_length": 8}


def prepare(ports: dict[str, int], window: int) -> list[dict]:
    from accounts.tests.factories import make_customer, make_operator
    from kit import tenancy

    with tenancy.as_engine():
        operator = make_operator()
        connect(operator, ports, window)
        sellers = [operator, *make_agents(operator)]
        customers = [
            make_customer(parent=sellers[number % len(sellers)], currency=CURRENCY) for number in range(CUSTOMERS)
        ]
        return [equip(customer) for customer in customers]


def connect(operator, ports: dict[str, int], window: int) -> None:
    from messaging.channels.actions import add_route, create_channel
    from portal.site.demo.world import carrier_settings

    with operator.scope():
        for name, country in COUNTRIES.items():
            config = {**carrier_settings(), "port": ports[name]}
            channel = create_channel(organisation=operator, name=name, type="smpp", config=config, window=window)
            add_route(channel=channel, country=country, priority=1)
            add_route(channel=channel, priority=2)


def make_agents(operator) -> list:
    """One below the other, each with a margin over the one above and a commission from it."""
    from accounts.tests.factories import make_agent
    from agents.tests.factories import earns
    from billing.pricing.tests.factories import PLAIN, make_price_book

    agents, parent = [], operator
    for price in PRICES:
        parent = make_agent(parent=parent, currency=CURRENCY)
        make_price_book(parent, dict.fromkeys(PLAIN, price), is_default=True)
        earns(parent, COMMISSION_BASIS_POINTS)
        agents.append(parent)
    return agents


def equip(customer) -> dict:
    """Money, wording, a sender and a key."""
    from accounts.tests.factories import make_api_key
    from billing.ledger.tests.factories import fund
    from messaging.content.tests.factories import approved_sender, approved_version

    fund(customer, "100000.00")
    notice = approved_version(customer, body="Hello {name}, it is ready.", category="notice", variables=[NAME])
    code = approved_version(customer, body="{code} is your code.", category="verification", variables=[CODE])
    return {
        "key": make_api_key(customer)[1],
        "notice": str(notice.template_id),
        "verification": str(code.template_id),
        "sender": str(approved_sender(customer).pk),
    }


if __name__ == "__main__":
    django.setup()
    # Nobody signs in here, and a hundred good hashes take longer than the whole short form should.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    sys.stdout.write(json.dumps(prepare(json.loads(sys.argv[1]), int(sys.argv[2]))))
