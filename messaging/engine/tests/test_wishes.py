"""Promise 7: who wants no promotion gets none, whenever the wish came; the same for a tenant that was stopped."""

import pytest

from accounts.actions import suspend_organisation
from accounts.tests.factories import make_user
from billing.ledger.books import problems
from billing.ledger.models import Account
from kit.money import money
from messaging.engine.models import Message, QueueEntry
from messaging.engine.states import Status
from messaging.engine.tests.factories import World, make_world
from messaging.recipients.models import OptOut

pytestmark = pytest.mark.django_db
RECIPIENT = "+447700900001"


def wants_no_more(world: World) -> None:
    with world.customer.scope():
        OptOut.objects.create(organisation=world.customer, number=RECIPIENT, source=OptOut.Source.REPLY)


def stopped(world: World) -> list[tuple[str, str]]:
    found = Message.objects.filter(status=Status.BLOCKED).values_list("recipient", "error_code")
    return list(found)


def test_a_wish_known_before_is_obeyed_at_acceptance_and_costs_nothing():
    world = make_world(category="promotion")
    wants_no_more(world)

    accepted = world.accept_drafts([world.draft(RECIPIENT), world.draft("+447700900002", row=1)])

    assert accepted.price == money("0.04")
    assert stopped(world) == [(RECIPIENT, "opted_out")]
    assert [one.recipient for one in world.claim().values()] == ["+447700900002"]


def test_a_wish_that_came_later_is_obeyed_when_the_message_would_leave_and_its_price_comes_back():
    world = make_world(category="promotion")
    world.accept_drafts([world.draft(RECIPIENT)])
    wants_no_more(world)

    assert world.claim() == {}
    assert stopped(world) == [(RECIPIENT, "opted_out")]
    assert world.balance(Account.Kind.WALLET) == money("10.00")
    assert QueueEntry.objects.count() == 0
    assert problems() == []


def test_a_notice_still_reaches_who_wants_no_promotion():
    world = make_world()
    wants_no_more(world)
    world.accept_drafts([world.draft(RECIPIENT)])

    assert [one.recipient for one in world.claim().values()] == [RECIPIENT]


def test_what_waits_when_its_tenant_is_stopped_does_not_leave():
    world = make_world()
    world.accept_drafts([world.draft(RECIPIENT)])
    with world.operator.downline_scope():
        suspend_organisation(organisation=world.customer, by=make_user(), reason="Unpaid")

    assert world.claim() == {}
    assert stopped(world) == [(RECIPIENT, "organisation_suspended")]
    assert world.balance(Account.Kind.WALLET) == money("10.00")
    assert problems() == []
