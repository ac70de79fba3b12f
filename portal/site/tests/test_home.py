from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.rules.permissions import Role
from accounts.tests.factories import make_agent, make_customer, make_operator, signed_in
from billing.ledger.tests.factories import fund
from billing.packages.models import Allowance
from messaging.campaigns.models import Campaign
from messaging.channels.actions import create_channel
from messaging.content.actions import archive_template, new_version
from messaging.content.tests.factories import make_author, rejected_version, submitted_version
from messaging.engine.states import Status
from messaging.traffic.tests.factories import count_traffic
from portal.site.home.attention import rejected_templates

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def sent(customer, messages: int, **fields) -> None:
    count_traffic(customer, Status.QUEUED, messages, **fields)
    count_traffic(customer, Status.DELIVERED, messages, amount=messages * 30_000, latency_ms=messages * 2_000, **fields)


def test_first_use_is_a_checklist_with_one_next_step():
    customer = make_customer()

    page = text_of(signed_in(customer).get("/home/"))

    assert "Setup" in page
    assert page.count("btn sm p") == 1


def test_a_template_in_review_is_a_step_that_waits():
    customer = make_customer()
    submitted_version(customer)

    assert "In review" in text_of(signed_in(customer).get("/home/"))


def test_figures_are_those_of_the_counters():
    customer = make_customer()
    fund(customer, "10.00")
    sent(customer, 1_200)
    sent(make_customer(), 5_000)

    page = text_of(signed_in(customer).get("/home/"))

    assert "1,200" in page
    assert "£36.00" in page
    assert "2.0 s" in page
    assert "5,000" not in page


@pytest.mark.parametrize("period", ["", "7", "30", "nonsense"])
def test_each_period_has_its_page(period):
    customer = make_customer(time_zone="Asia/Kolkata")
    for days in range(0, 60, 3):
        sent(customer, 10, hour=timezone.now() - timedelta(days=days))

    response = signed_in(customer).get("/home/", {"period": period})

    assert response.status_code == 200


def test_what_needs_a_person_is_said_with_its_reason():
    customer = make_customer()
    fund(customer, "10.00")
    sent(customer, 5)
    rejected_version(customer, name="Winter sale")
    with customer.scope():
        Campaign.objects.create(
            organisation=customer, name="Spring", status=Campaign.Status.STOPPED, created_by=make_author(customer),
            stop_reason={"message": "The wallet does not hold enough."},
        )  # fmt: skip

    page = text_of(signed_in(customer).get("/home/"))

    assert "Template “Winter sale” was rejected" in page
    assert "Opt-out text missing" in page
    assert "Campaign “Spring” stopped" in page


def test_a_rejected_template_comes_with_its_reasons_in_their_order():
    customer = make_customer()
    sent(customer, 1)
    rejected_version(customer, name="Winter sale", reasons=("prize", "link"))

    page = text_of(signed_in(customer).get("/home/"))

    assert page.count("Template “Winter sale” was rejected") == 1
    assert "Prize or lottery wording, Link not on your own domain. Mend it" in page


def test_a_template_mended_since_or_archived_needs_nobody():
    customer = make_customer()
    sent(customer, 1)
    mended, archived = rejected_version(customer), rejected_version(customer)
    with customer.scope():
        new_version(template=mended.template, author=mended.author)
        archive_template(template=archived.template, by=archived.author)

    assert "was rejected" not in text_of(signed_in(customer).get("/home/"))


def test_a_reseller_is_not_asked_to_mend_the_templates_of_its_customers():
    agent = make_agent()
    rejected_version(make_customer(parent=agent), name="Winter sale")
    own = rejected_version(agent, name="Newsletter")

    with agent.downline_scope():
        [item] = rejected_templates(agent)

    assert str(own.template_id) in item["url"]


def test_recent_campaigns_lead_to_their_pages_and_what_they_say_is_escaped():
    customer = make_customer()
    sent(customer, 100)
    author = make_author(customer)
    with customer.scope():
        campaign = Campaign.objects.create(
            organisation=customer, name="<b>Sale</b>", status="sending", category="promotion", created_by=author,
            started_at=timezone.now(), recipients=2_000, accepted=2_000,
        )  # fmt: skip
    sent(customer, 2_000, campaign_id=campaign.pk)

    page = text_of(signed_in(customer).get("/home/"))

    [row] = [row for row in page.split("<tr") if "&lt;b&gt;Sale&lt;/b&gt;</a>" in row]
    assert f'data-href="/campaigns/{campaign.pk}/"' in row
    assert '<span class="st run">Sending</span>' in row
    for said in ("Promotion · ", ">2,000</td>", ">100.0%</td>", ">£60.00</td>"):
        assert said in row
    assert "<b>Sale" not in page


def test_where_messages_fail_the_rate_stands_out():
    customer = make_customer()
    sent(customer, 900, country="GB")
    count_traffic(customer, Status.UNDELIVERED, 100, country="GB")

    page = text_of(signed_in(customer).get("/home/"))

    [row] = [row for row in page.split("<tr") if "United Kingdom</td>" in row]
    assert '<span class="st bad">90.0%</span>' in row
    assert ">2.0 s</td>" in row


def test_packages_are_shown_in_the_order_they_are_used_those_that_end_soon_also_as_a_task():
    customer = make_customer()
    sent(customer, 1)
    now = timezone.now()
    with customer.scope():
        for days, left in ((40, 700), (5, 300), (-1, 900)):
            Allowance.objects.create(
                organisation=customer, segments=1_000, taken=1_000 - left, expires_at=now + timedelta(days=days)
            )  # fmt: skip

    page = text_of(signed_in(customer).get("/home/"))

    assert page.index("300 left") < page.index("700 left")
    assert "900 left" not in page
    assert page.count("used first") == 1
    assert "300 of 1,000 segments left" in page
    assert "700 of 1,000 segments left" not in page


def test_htmx_gets_the_figures_alone():
    customer = make_customer()
    sent(customer, 7)

    response = signed_in(customer).get("/home/", headers={"HX-Request": "true"})

    assert "<html" not in text_of(response)
    assert 'id="figures"' in text_of(response)


def test_home_keeps_its_query_budget(django_assert_max_num_queries):
    customer = make_customer()
    author = make_author(customer)
    fund(customer, "10.00")
    for number in range(12):
        sent(customer, 10, country=["GB", "CN", "DE"][number % 3], hour=timezone.now() - timedelta(hours=number))
        with customer.scope():
            Campaign.objects.create(organisation=customer, name=f"C{number}", created_by=author)
        rejected_version(customer)
    client = signed_in(customer)
    client.get("/home/")

    with django_assert_max_num_queries(18):
        client.get("/home/")


def test_a_reseller_sees_what_its_accounts_sent_and_nothing_beside():
    agent = make_agent(name="Kestrel")
    below = make_customer(parent=agent, name="Meadowlark")
    beside = make_customer(name="Harbourline")
    sent(below, 300)
    sent(beside, 4_000)

    page = text_of(signed_in(agent).get("/home/"))

    assert "Meadowlark" in page
    assert "300" in page
    assert "Harbourline" not in page
    assert "Margin this month" in page


def test_the_operator_sees_its_channels_and_the_review_queue():
    operator = make_operator()
    with operator.scope():
        create_channel(organisation=operator, name="Carrier one", type="simulator", config={})
    submitted_version(make_customer())

    page = text_of(signed_in(operator).get("/home/"))

    assert "Carrier one" in page
    assert "No worker holds it" in page
    assert "Start reviewing" in page


def test_a_reviewer_sees_the_queue_and_no_traffic():
    operator = make_operator()
    submitted_version(make_customer())

    page = text_of(signed_in(operator, Role.REVIEWER).get("/home/"))

    assert "Review queue" in page
    assert "Channels, last 24 hours" not in page


@pytest.mark.parametrize("role", list(Role))
def test_every_role_has_a_home(role):
    customer = make_customer()
    sent(customer, 3)

    assert signed_in(customer, role).get("/home/").status_code == 200
    assert signed_in(make_agent(), role).get("/home/").status_code == 200
