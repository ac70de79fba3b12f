import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.rules.permissions import Role
from accounts.tests.factories import make_customer, signed_in
from messaging.engine.models import Message
from messaging.engine.tests.factories import make_world

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def csv_of(response) -> str:
    assert response.status_code == 200
    return b"".join(response.streaming_content).decode()


def test_nothing_sent_yet_says_what_to_do_next():
    assert "No messages yet" in text_of(signed_in(make_customer()).get("/messages/"))


def test_the_list_masks_numbers_and_names_the_template(world):
    world.accept(1)

    page = text_of(signed_in(world.customer).get("/messages/"))

    assert "+44 7700 9000•• " not in page
    assert "+44 7700 900••0" in page
    assert "447700900000" not in page.replace("+44 7700 900••0", "")


def test_pages_go_older_and_newer_and_show_each_message_once(world):
    world.fund("10.00")
    accepted = world.accept(120)
    client = signed_in(world.customer)
    seen, url = [], "/messages/"

    for _ in range(3):
        response = client.get(url)
        seen += [row.record.pk for row in response.context["table"].paginated_rows]
        url = "/messages/" + response.context["older_url"]
    back = client.get("/messages/" + response.context["newer_url"])

    assert seen == sorted((message.id for message in accepted.messages), reverse=True)
    assert not response.context["older_url"]
    assert [row.record.pk for row in back.context["table"].paginated_rows] == seen[50:100]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("number=07700900001", 1),
        ("number=%2B44+7700+900002", 1),
        ("number=12", 0),
        ("status=queued", 5),
        ("status=waiting", 5),
        ("status=failed", 0),
        ("since=2000-01-01&until=2999-12-31", 5),
        ("until=2000-01-01", 0),
        ("reference=nothing", 0),
        ("status=nonsense", 0),
        ("campaign=nonsense", 0),
        ("since=nonsense", 0),
        ("number=%00", 5),
        ("before=nonsense", 5),
        ("template={template}", 5),
        (f"template={uuid.UUID(int=1)}", 0),
    ],
)
def test_filters_narrow_the_list_and_nonsense_finds_nothing(world, query, count):
    world.accept(5)

    response = signed_in(world.customer).get("/messages/?" + query.format(template=world.wording.template_id))

    assert response.status_code == 200
    assert len(response.context["table"].paginated_rows) == count


def test_days_are_the_tenants_own(world):
    world.accept(1)
    today = timezone.localdate()

    page = signed_in(world.customer).get(f"/messages/?since={today}&until={today}")

    assert len(page.context["table"].paginated_rows) == 1


def test_a_filter_in_use_is_a_chip_that_takes_it_away(world):
    world.accept(1)

    page = signed_in(world.customer).get("/messages/?status=queued&number=07700900000")

    assert {chip["url"] for chip in page.context["chips"]} == {"?status=queued", "?number=07700900000"}


def test_the_file_holds_numbers_only_for_those_who_may_reveal_them(world):
    world.accept(1)

    whole = csv_of(signed_in(world.customer, Role.OWNER).get("/messages.csv"))
    masked = csv_of(signed_in(world.customer, Role.READ_ONLY).get("/messages.csv"))

    assert "+447700900000" in whole
    assert "+447700900000" not in masked
    assert AuditEntry.objects.filter(action="messages.exported").count() == 1


def test_a_message_shows_its_way_and_what_it_cost(world):
    world.accept(1)
    ((reference, _claimed),) = world.send().items()
    world.report((reference, "delivered"))
    message = world.message()

    page = text_of(signed_in(world.customer).get(f"/messages/{message.pk}/"))

    assert "Delivered in" in page
    assert "Taken by the carrier" in page
    assert reference in page
    assert "£0.0400" in page
    assert "hx-trigger" not in page.split('id="message"')[1].split(">")[0]


def test_a_message_that_did_not_arrive_shows_why_and_that_its_price_was_returned(world):
    world.accept(1)
    ((reference, _claimed),) = world.send().items()
    world.report((reference, "undelivered"))

    page = text_of(signed_in(world.customer).get(f"/messages/{world.message().pk}/"))

    assert "The phone was switched off or out of reach." in page
    assert "The price was returned" in page


def test_a_message_on_its_way_follows_by_itself(world):
    world.accept(1)
    client = signed_in(world.customer)

    fragment = text_of(client.get(f"/messages/{world.message().pk}/", headers={"HX-Request": "true"}))

    assert "every 2s" in fragment
    assert "<html" not in fragment


def test_codes_are_hidden_some_minutes_after_sending():
    world = make_world(category="verification", body="{name} is your code. Good for 5 minutes.")
    world.accept_drafts([world.draft(name="204 913")])
    message = world.message()
    client = signed_in(world.customer)
    fresh = text_of(client.get(f"/messages/{message.pk}/"))

    later = timezone.now() + timedelta(minutes=11)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("messaging.engine.details.timezone.now", lambda: later)
        old = text_of(client.get(f"/messages/{message.pk}/"))

    assert "204 913" in fresh
    assert "204 913" not in old
    assert "•••••••" in old


def test_revealing_a_number_shows_it_and_is_recorded(world):
    world.accept(1)
    message = world.message()

    page = text_of(signed_in(world.customer).post(f"/messages/{message.pk}/number/"))

    assert "+44 7700 900000" in page
    assert AuditEntry.objects.filter(action="message.number_revealed", target_id=str(message.pk)).count() == 1


def test_who_may_not_reveal_sees_no_button_and_is_refused(world):
    world.accept(1)
    client = signed_in(world.customer, Role.SENDER)
    url = f"/messages/{world.message().pk}/"

    assert "Reveal number" not in text_of(client.get(url))
    assert client.post(f"{url}number/").status_code == 403
    assert signed_in(world.customer).get(f"{url}number/").status_code == 405
    assert not AuditEntry.objects.filter(action="message.number_revealed").exists()


def test_a_strangers_message_is_not_there(world):
    world.accept(1)
    message = world.message()
    stranger = signed_in(make_customer())

    assert stranger.get(f"/messages/{message.pk}/").status_code == 404
    assert stranger.post(f"/messages/{message.pk}/number/").status_code == 404
    assert "Nothing fits" in text_of(stranger.get("/search/", {"q": str(message.pk)}))
    assert csv_of(stranger.get("/messages.csv")).count("\n") == 1


def test_search_finds_by_number_reference_and_name(world):
    world.accept(2)
    Message.objects.filter(organisation=world.customer).update(client_reference="order-88")
    client = signed_in(world.customer)

    assert len(client.get("/search/", {"q": "07700 900001"}).context["found"].messages) == 1
    assert len(client.get("/search/", {"q": "order-88"}).context["found"].messages) == 2
    assert len(client.get("/search/", {"q": "template"}).context["found"].templates) == 1
    assert client.get("/search/", {"q": "kestrel"}).context["found"].senders[0].name == "Kestrel"


@pytest.mark.parametrize("write", [str, lambda id: str(id).upper(), lambda id: id.hex])
def test_an_id_leads_straight_to_its_message(world, write):
    world.accept(1)
    message = world.message()

    response = signed_in(world.customer).get("/search/", {"q": f" {write(message.pk)} "})

    assert response.url == f"/messages/{message.pk}/"


def test_a_reference_that_looks_like_an_id_is_found(world):
    world.accept(1)
    Message.objects.filter(organisation=world.customer).update(client_reference=world.customer.pk.hex)

    found = signed_in(world.customer).get("/search/", {"q": world.customer.pk.hex}).context["found"]

    assert len(found.messages) == 1


@pytest.mark.parametrize("words", ["", "\x00", "x" * 500, "' OR 1=1 --", "%", "١٢٣٤٥٦٧"])
def test_search_takes_anything_typed(world, words):
    assert signed_in(world.customer).get("/search/", {"q": words}).status_code == 200


def test_the_list_keeps_its_query_budget(world, django_assert_max_num_queries):
    world.accept(50)
    client = signed_in(world.customer)
    client.get("/messages/")

    with django_assert_max_num_queries(11):
        client.get("/messages/")


def test_a_message_keeps_its_query_budget(world, django_assert_max_num_queries):
    world.accept(1)
    url = f"/messages/{world.message().pk}/"
    client = signed_in(world.customer)
    client.get(url)

    with django_assert_max_num_queries(14):
        client.get(url)
