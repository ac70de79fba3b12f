import pytest
from django.db import DatabaseError, transaction

from accounts.actions import (
    create_organisation,
    move_organisation,
    resume_organisation,
    suspend_organisation,
    update_organisation,
)
from accounts.errors import NoDownline, OperatorStays, WouldFormCircle
from accounts.models import AuditEntry, Organisation
from accounts.queries import downline_of, in_downline, operator, upline_of
from accounts.tests.factories import make_agent, make_customer, make_operator, make_user, signed_in
from kit import tenancy
from kit.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db


def stopped() -> set[Organisation]:
    return set(Organisation.objects.filter(is_stopped=True))


def test_a_path_runs_from_the_operator_down():
    agent = make_agent()
    below = make_agent(parent=agent)
    customer = make_customer(parent=below)

    assert customer.path == ".".join(one.pk.hex for one in (make_operator(), agent, below, customer))
    assert upline_of(customer) == [below, agent, make_operator()]
    with agent.downline_scope():
        assert set(downline_of(agent)) == {below, customer}


def test_the_operator_is_found_in_every_scope():
    house, customer = make_operator(), make_customer()

    with tenancy.as_visitor():
        assert operator() == house
    with customer.scope():
        assert operator() == house
        assert not Organisation.objects.filter(pk=house.pk).exists()


def test_an_agent_sees_what_lies_below_never_beside_or_above():
    agent, beside = make_agent(), make_agent()
    ours, theirs = make_customer(parent=agent), make_customer(parent=beside)

    with agent.downline_scope():
        assert in_downline(agent, ours.pk) == ours
        for stranger in (theirs, beside, make_operator(), agent):
            with pytest.raises(NotFound):
                in_downline(agent, stranger.pk)


def test_nobody_has_accounts_below_a_customer():
    customer = make_customer()

    with pytest.raises(NoDownline):
        create_organisation(name="Below", parent=customer)
    assert not Organisation.objects.filter(name="Below").exists()


def test_there_is_one_operator():
    make_operator()

    with pytest.raises(DatabaseError), transaction.atomic():
        create_organisation(name="Another", parent=None, kind="operator")


def test_moving_takes_everything_below_along():
    house, mover = make_operator(), make_user()
    left, right = make_agent(), make_agent()
    middle = make_agent(parent=left)
    leaf = make_customer(parent=middle)

    with house.downline_scope():
        move_organisation(organisation=middle, parent=right, by=mover)

    leaf.refresh_from_db()
    assert leaf.path == f"{right.path}.{middle.pk.hex}.{leaf.pk.hex}"
    assert upline_of(leaf) == [middle, right, house]


@pytest.mark.parametrize("_case, below", [("itself", 0), ("its child", 1), ("its grandchild", 2)])
def test_a_circle_is_refused(_case, below):
    house = make_operator()
    top = make_agent()
    child = make_agent(parent=top)
    line = [top, child, make_agent(parent=child)]

    with house.downline_scope(), pytest.raises(WouldFormCircle):
        move_organisation(organisation=top, parent=line[below], by=make_user())

    top.refresh_from_db()
    assert top.parent == house


def test_suspending_reaches_below_and_resuming_gives_the_status_back():
    house, by = make_operator(), make_user()
    agent = make_agent()
    customer = make_customer(parent=agent, status="trial")
    beside = make_customer()

    with house.downline_scope():
        suspend_organisation(organisation=agent, by=by, reason="unpaid")
        assert stopped() == {agent, customer}
        resume_organisation(organisation=agent, by=by, reason="paid")
        assert stopped() == set()

    customer.refresh_from_db()
    assert (agent.status, customer.status, beside.is_stopped) == ("active", "trial", False)


def test_who_is_suspended_twice_over_stays_stopped_until_both_are_lifted():
    house, by = make_operator(), make_user()
    agent = make_agent()
    customer = make_customer(parent=agent, status="trial")

    with house.downline_scope():
        suspend_organisation(organisation=customer, by=by, reason="abuse")
        suspend_organisation(organisation=agent, by=by, reason="unpaid")
        resume_organisation(organisation=customer, by=by, reason="settled")
        assert stopped() == {agent, customer}
        suspend_organisation(organisation=customer, by=by, reason="abuse again")
        resume_organisation(organisation=agent, by=by, reason="paid")
        assert stopped() == {customer}
        resume_organisation(organisation=customer, by=by, reason="settled")
        assert stopped() == set()
    assert customer.status == "trial"


def test_moving_below_a_suspended_agent_stops_and_moving_away_starts_again():
    house, by = make_operator(), make_user()
    bad, good = make_agent(), make_agent()
    customer = make_customer(parent=good)

    with house.downline_scope():
        suspend_organisation(organisation=bad, by=by, reason="unpaid")
        assert move_organisation(organisation=customer, parent=bad, by=by).is_stopped
        assert not move_organisation(organisation=customer, parent=good, by=by).is_stopped


def test_a_new_account_below_a_stopped_agent_is_stopped():
    house, agent = make_operator(), make_agent()
    with house.downline_scope():
        suspend_organisation(organisation=agent, by=make_user(), reason="unpaid")

    assert make_customer(parent=agent).is_stopped


def test_the_operator_is_never_suspended_or_moved():
    house, by = make_operator(), make_user()

    with house.downline_scope():
        with pytest.raises(OperatorStays):
            suspend_organisation(organisation=house, by=by, reason="no")
        with pytest.raises(OperatorStays):
            move_organisation(organisation=house, parent=make_agent(), by=by)


def test_a_stopped_organisation_can_be_read_and_not_changed():
    house, customer = make_operator(), make_customer(name="Before")
    boss = signed_in(customer)
    with house.downline_scope():
        suspend_organisation(organisation=customer, by=make_user(), reason="unpaid")

    form = {"name": "After", "locale": "en", "time_zone": "UTC", "country": "GB"}
    assert boss.get("/settings/").status_code == 200
    answer = boss.post("/settings/", form)

    assert answer.status_code == 403
    assert b"This organisation is suspended" in answer.content
    customer.refresh_from_db()
    assert customer.name == "Before"


def test_a_change_is_recorded_with_who_and_from_where():
    customer = make_customer(name="Before", country="GB")
    boss = signed_in(customer)

    boss.post(
        "/settings/",
        {
            "name": "After",
            "locale": "en",
            "time_zone": "Asia/Tokyo",
            "country": "GB",
            "erase_after_days": 180,
        },
    )

    line = AuditEntry.objects.get(organisation=customer, action="organisation.updated")
    assert line.before == {"name": "Before", "time_zone": "UTC"}
    assert line.after == {"name": "After", "time_zone": "Asia/Tokyo"}
    assert line.actor_label.endswith("@example.com")
    assert line.address == "127.0.0.1"


def test_saving_the_same_again_leaves_no_line():
    customer = make_customer()

    with customer.scope():
        update_organisation(
            organisation=customer, name=customer.name, locale="en", time_zone="UTC", country=customer.country,
            erase_after_days=customer.erase_after_days,
        )  # fmt: skip

    assert not AuditEntry.objects.filter(action="organisation.updated").exists()


@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_audit_trail_only_grows(change):
    customer = make_customer()
    lines = AuditEntry.objects.filter(organisation=customer)

    with pytest.raises(DatabaseError), transaction.atomic():
        lines.update(action="nothing.happened") if change == "update" else lines.delete()
    with pytest.raises(DatabaseError), customer.scope():
        lines.update(action="nothing.happened") if change == "update" else lines.delete()

    assert [line.action for line in lines] == ["organisation.created"]


def test_the_trail_page_finds_a_line_and_survives_odd_questions():
    customer = make_customer()
    boss = signed_in(customer)

    assert b"organisation.created" in boss.get("/settings/audit/?q=organisation").content
    assert b"No line contains this" in boss.get("/settings/audit/?q=%00%25nothing").content
    assert signed_in(customer, "sender").get("/settings/audit/").status_code == 403


# --- how long texts and numbers are kept

SETTINGS = {"name": "Acme", "locale": "en", "time_zone": "UTC", "country": "GB"}


def test_texts_and_numbers_are_kept_for_180_days_unless_the_organisation_says_otherwise():
    customer = make_customer()
    boss = signed_in(customer)
    assert customer.erase_after_days == 180

    boss.post("/settings/", {**SETTINGS, "erase_after_days": 30})

    customer.refresh_from_db()
    assert customer.erase_after_days == 30
    line = AuditEntry.objects.get(organisation=customer, action="organisation.updated")
    assert (line.before["erase_after_days"], line.after["erase_after_days"]) == (180, 30)


@pytest.mark.parametrize("days", ["0", "-1", "401", "", "many"])
def test_they_are_kept_for_a_day_at_least_and_never_longer_than_the_platform_keeps_anything(days):
    customer = make_customer()

    answer = signed_in(customer).post("/settings/", {**SETTINGS, "erase_after_days": days})

    assert answer.status_code == 200
    assert "erase_after_days" in answer.context["form"].errors
    customer.refresh_from_db()
    assert customer.erase_after_days == 180


def test_only_who_may_change_settings_changes_the_deadline():
    customer = make_customer()

    answer = signed_in(customer, "sender").post("/settings/", {**SETTINGS, "erase_after_days": 1})

    assert answer.status_code == 403
    customer.refresh_from_db()
    assert customer.erase_after_days == 180


def test_the_action_itself_refuses_a_deadline_past_the_platforms():
    customer = make_customer()

    with pytest.raises(Invalid), customer.scope():
        update_organisation(organisation=customer, **SETTINGS, erase_after_days=401)
