"""Texts and numbers go by their organisation's deadline; states, prices, figures and wishes stay."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Organisation
from accounts.tests.factories import make_api_key, signed_in
from billing.ledger.books import problems
from kit.ids import uuid7
from kit.sql import rows, run
from kit.tests.plans import analyse
from messaging.engine import retention
from messaging.engine.models import DeliveryReceipt, InboundMessage, Message, TrafficCount
from messaging.engine.receipts import store_news
from messaging.engine.retention import erase_overdue
from messaging.engine.states import Status
from messaging.engine.tests.factories import make_world
from messaging.engine.tests.receipts import news_of
from messaging.recipients.models import OptOut
from messaging.recipients.queries import opted_out

pytestmark = pytest.mark.django_db
NUMBER = "+447700900123"


def after(days: float):
    return timezone.now() + timedelta(days=days, hours=2)


def delivered(world, count=1):
    accepted = world.accept(count)
    world.report(*[(reference, "delivered") for reference in world.send()])
    return accepted


def kept(**filters) -> list[tuple[str, str]]:
    return list(Message.objects.filter(**filters).order_by("id").values_list("recipient", "body"))


def test_text_and_number_are_gone_after_the_deadline_and_not_a_day_before():
    world = make_world()
    delivered(world)

    assert erase_overdue(now=after(179)) == 0
    ((number, text),) = kept()
    assert (number, "Hello Ada" in text) == ("+447700900000", True)
    assert erase_overdue(now=after(180)) == 1

    assert kept() == [("", "")]


def test_what_was_sent_and_what_it_cost_still_adds_up():
    world = make_world()
    delivered(world, 3)
    before = list(TrafficCount.objects.order_by("id").values())
    spent = world.balance("wallet")

    erase_overdue(now=after(180))

    assert list(TrafficCount.objects.order_by("id").values()) == before
    assert world.balance("wallet") == spent
    assert set(Message.objects.values_list("status", "segments", "price", "country")) == {(90, 1, 40_000, "GB")}
    assert problems() == []


def test_each_organisation_has_its_own_deadline():
    world, other = make_world(), make_world()
    Organisation.objects.filter(pk=world.customer.pk).update(erase_after_days=1)
    delivered(world)
    delivered(other)

    erase_overdue(now=after(1))

    assert kept(organisation=world.customer) == [("", "")]
    assert kept(organisation=other.customer) != [("", "")]


def test_nothing_is_kept_longer_than_the_platform_keeps_messages(settings):
    settings.MESSAGE_RETENTION_DAYS = 90
    world = make_world()
    delivered(world)

    assert erase_overdue(now=after(90)) == 1


def test_what_is_still_on_its_way_keeps_its_number_and_loses_it_when_it_is_final():
    world = make_world()
    Organisation.objects.filter(pk=world.customer.pk).update(erase_after_days=1)
    world.accept(2)
    first, second = world.send()
    world.report((first, "delivered"))

    assert erase_overdue(now=after(1)) == 1
    assert len([text for _, text in kept() if text]) == 1

    world.report((second, "delivered"))
    assert erase_overdue(now=after(2)) == 1
    assert kept() == [("", "")] * 2


def test_twice_is_harmless_and_a_turn_that_was_cut_short_goes_on(monkeypatch):
    world = make_world()
    delivered(world, 7)
    monkeypatch.setattr(retention, "BATCH", 2)
    real, batches = retention._batches, []

    def one_batch(bounds, until):
        for erased in real(bounds, until):
            batches.append(erased)
            yield erased
            return

    with monkeypatch.context() as cut:
        cut.setattr(retention, "_batches", one_batch)
        assert erase_overdue(now=after(180)) == 2

    assert erase_overdue(now=after(180)) == 5
    assert erase_overdue(now=after(181)) == 0
    assert kept() == [("", "")] * 7


def test_receipts_lose_the_number_too_also_those_that_come_late():
    world = make_world()
    delivered(world)
    reference = DeliveryReceipt.objects.get().reference
    DeliveryReceipt.objects.update(recipient=NUMBER, raw="to " + NUMBER)

    erase_overdue(now=after(180))
    assert list(DeliveryReceipt.objects.values_list("recipient", "raw")) == [("", "")]

    late = {"reference": reference, "state": "undelivered", "error_code": "1", "recipient": NUMBER}
    store_news(channel_id=world.channel.pk, **news_of(late))
    world.report()
    DeliveryReceipt.objects.filter(state="undelivered").update(recipient=NUMBER)
    erase_overdue(now=after(186))

    assert set(DeliveryReceipt.objects.values_list("recipient", "raw")) == {("", "")}
    assert Message.objects.get().status == Status.DELIVERED


def test_a_receipt_named_after_the_number_loses_its_name():
    world = make_world()
    delivered(world)
    DeliveryReceipt.objects.update(reference=f"ours:7:{NUMBER}")
    run("UPDATE engine_attempt SET carrier_reference = %s", [f"ours:7:{NUMBER}"])

    erase_overdue(now=after(180))

    assert DeliveryReceipt.objects.get().reference.startswith("erased:")


def test_what_was_received_is_erased_whoever_it_was_meant_for():
    world = make_world()
    for organisation in (world.customer, None):
        InboundMessage.objects.create(
            id=uuid7(), channel_id=world.channel.pk, carrier_reference=str(organisation), sender=NUMBER, recipient="12345",
            body="STOP", received_at=timezone.now(), organisation=organisation,
        )  # fmt: skip

    erase_overdue(now=after(180))

    assert set(InboundMessage.objects.values_list("sender", "body", "recipient")) == {("", "", "12345")}


def test_the_same_key_still_gives_the_same_messages_without_saying_to_whom(client):
    world = make_world()
    Organisation.objects.filter(pk=world.customer.pk).update(erase_after_days=1)
    _, secret = make_api_key(world.customer)
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": "order-1"}
    body = {"to": "+447911123456", "template": str(world.wording.id), "variables": {"name": "Ada"}}

    def post():
        return client.post("/api/v1/messages", body, content_type="application/json", headers=headers).json()

    first = post()["messages"][0]
    world.send()
    run("UPDATE engine_message SET status = 92, final_at = now()")
    erase_overdue(now=after(1))
    again = post()["messages"][0]

    assert again["id"] == first["id"]
    assert (again["to"], again["typed"]) == ("", "")


def test_a_wish_outlives_its_number():
    world = make_world(category="promotion")
    with world.customer.scope():
        OptOut.objects.create(organisation=world.customer, number=NUMBER, source=OptOut.Source.REPLY)

    erase_overdue(now=after(180))

    assert NUMBER not in OptOut.objects.get().number
    with world.customer.scope():
        assert opted_out(world.customer, [NUMBER, "+447700900124"]) == {NUMBER}
    accepted = world.accept_drafts([world.draft(NUMBER)])
    assert [message.status for message in accepted.messages] == [Status.BLOCKED]


def test_a_wish_is_known_again_after_the_keys_were_changed(settings):
    world = make_world()
    with world.customer.scope():
        OptOut.objects.create(organisation=world.customer, number=NUMBER, source=OptOut.Source.REPLY)
    erase_overdue(now=after(180))

    settings.FIELD_KEYS = ["bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU=", *settings.FIELD_KEYS]

    assert opted_out(world.customer, [NUMBER]) == {NUMBER}


def test_another_organisations_wish_looks_different():
    world, other = make_world(), make_world()
    for organisation in (world.customer, other.customer):
        with organisation.scope():
            OptOut.objects.create(organisation=organisation, number=NUMBER, source=OptOut.Source.REPLY)

    erase_overdue(now=after(180))

    assert len(set(OptOut.objects.values_list("number", flat=True))) == 2


def test_a_young_wish_keeps_its_number_while_a_message_of_before_may_be_on_its_way():
    world = make_world()
    Organisation.objects.filter(pk=world.customer.pk).update(erase_after_days=1)
    with world.customer.scope():
        OptOut.objects.create(organisation=world.customer, number=NUMBER, source=OptOut.Source.REPLY)

    erase_overdue(now=after(2))

    assert OptOut.objects.get().number == NUMBER


def test_pages_api_and_exports_say_that_it_was_erased(client):
    world = make_world()
    (message,) = delivered(world).messages
    erase_overdue(now=after(180))
    owner = signed_in(world.customer)
    _, secret = make_api_key(world.customer)

    page = owner.get(f"/messages/{message.id}/").content.decode()
    exported = b"".join(owner.get("/messages.csv").streaming_content).decode()
    told = client.get(f"/api/v1/messages/{message.id}", headers={"Authorization": f"Bearer {secret}"}).json()

    assert page.count("erased") >= 2
    assert "Reveal number" not in page
    assert "erased" in owner.get("/messages/").content.decode()
    assert ",erased,GB,delivered," in exported
    assert (told["to"], told["text"], told["status"]) == ("", "", "delivered")


def test_a_turn_that_ends_among_the_messages_has_not_passed_over_received_texts(monkeypatch):
    """Seen to fail with messages first: what was received before the last message erased was never looked at again."""
    world = make_world()
    received = InboundMessage.objects.create(
        id=uuid7(), channel_id=world.channel.pk, carrier_reference="in-1", sender=NUMBER, recipient="60001", body="Yes",
        received_at=timezone.now(), organisation=world.customer,
    )  # fmt: skip
    delivered(world, 3)
    clock, real = [0.0], retention._batches

    def slow(bounds, until):
        for ids in real(bounds, until):
            clock[0] = 1_000.0 if ids else clock[0]  # of the customer, not of others without messages
            yield ids

    with monkeypatch.context() as busy:
        busy.setattr(retention, "_batches", slow)
        busy.setattr(retention.time, "monotonic", lambda: clock[0])
        erase_overdue(now=after(180))
    erase_overdue(now=after(180))

    received.refresh_from_db()
    assert (received.sender, received.body) == ("", "")


def test_receipts_whose_time_has_not_come_are_not_read(world_of_receipts):
    for way in ("seqscan", "bitmapscan"):  # on a table as small as this they would be chosen
        run(f"SET LOCAL enable_{way} = off")
    ((looked,),) = rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {retention._LATE_RECEIPTS}", world_of_receipts)

    [coming] = [step for step in looked[0]["Plan"]["Plans"] if step.get("Subplan Name") == "CTE coming"]
    assert max(rows_of(coming)) <= 2


def test_a_receipt_that_came_out_of_order_is_not_passed_over():
    """The second is due, the first is not: neither is seen until the first is."""
    world = make_world()
    store_news(channel_id=world.channel.pk, **news_of(("one", "delivered"), ("two", "delivered")))
    [first, second] = DeliveryReceipt.objects.order_by("pk")
    moment = timezone.now() - timedelta(days=30)
    DeliveryReceipt.objects.filter(pk=second.pk).update(received_at=moment)

    seen = rows(retention._LATE_RECEIPTS, {"after": first.pk - 1, "until": moment + timedelta(days=1), "batch": 10})
    DeliveryReceipt.objects.filter(pk=first.pk).update(received_at=moment)
    then = rows(retention._LATE_RECEIPTS, {"after": first.pk - 1, "until": moment + timedelta(days=1), "batch": 10})

    assert (seen, then) == ([(None, None, 0)], [(second.pk, moment, 2)])


def test_receipts_that_were_looked_at_are_not_looked_at_again(monkeypatch):
    world = make_world()
    store_news(channel_id=world.channel.pk, **news_of(("one", "delivered"), ("two", "delivered")))
    erase_overdue(now=after(180))
    looks, real = [], retention.rows

    def watch(statement, parameters=()):
        found = real(statement, parameters)
        if statement == retention._LATE_RECEIPTS:
            looks.extend(found)
        return found

    monkeypatch.setattr(retention, "rows", watch)
    erase_overdue(now=after(181))

    assert looks == [(None, None, 0)]


@pytest.fixture
def world_of_receipts():
    """Many receipts that are not due, and the parameters of a look that takes two at a time."""
    world = make_world()
    store_news(channel_id=world.channel.pk, **news_of(*((f"r-{number}", "delivered") for number in range(40))))
    analyse()  # another test's statistics would have a table of no rows read whole
    return {"after": 0, "until": timezone.now() - timedelta(days=4), "batch": 2}


def rows_of(plan: dict) -> list[float]:
    """How many rows each step of a plan gave on or threw away."""
    own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return [own, *(seen for child in plan.get("Plans", []) for seen in rows_of(child))]
