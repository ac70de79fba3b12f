"""Run beside the house as one of its workers: puts money into the demo customer's wallet and prints what a client needs."""

import json
import os
import sys
import time
from pathlib import Path

import django


def prepare(funds: int) -> dict:
    from accounts.models import Organisation
    from billing.ledger.actions import account_of, transfer
    from billing.ledger.models import Account, Reason
    from kit import tenancy
    from kit.money import money
    from messaging.content.models import SenderId, TemplateVersion

    accounts = json.loads((Path(os.environ["SIGNALBOX_VAR"]) / "demo-accounts.json").read_text())
    live_key = next(one for one in accounts if one.get("kind") == "live_key")
    with tenancy.as_engine():
        customer = Organisation.objects.get(name=live_key["email"])
        transfer(
            source=account_of(Organisation.objects.get(kind="operator"), Account.Kind.CLEARING, customer.currency),
            target=account_of(customer, Account.Kind.WALLET, customer.currency),
            amount=money(funds),
            reason=Reason.TOP_UP,
            reference=f"chaos:{time.time_ns()}",
        )
        versions = TemplateVersion.objects.filter(organisation=customer, status="approved").select_related("template")
        version = min(versions, key=lambda one: (one.template.category != "notice", len(one.body)))
        sender = SenderId.objects.filter(organisation=customer, status="approved").first()
    values = {row["name"]: row["example"] for row in version.variables}
    return {"key": live_key["password"], "template": str(version.pk), "sender": str(sender.pk), "values": values}


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(prepare(int(sys.argv[1]))))
