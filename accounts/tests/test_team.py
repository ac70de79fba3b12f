import re
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.actions import accept_invitation, change_role, invite_member, remove_member
from accounts.errors import AlreadyMember, InvitationForSomebodyElse, InvitationUnusable, LastOwner, RoleNotYours
from accounts.models import AuditEntry, Invitation, Membership, User
from accounts.tests.factories import (
    PASSWORD,
    make_agent,
    make_customer,
    make_member,
    make_operator,
    make_user,
    sign_in,
    signed_in,
)
from kit.errors import NotAllowed


def invite(organisation, *, by, email="new@example.com", role="sender"):
    with organisation.scope(user=by.pk):
        return invite_member(organisation=organisation, email=email, role=role, by=by)


@pytest.mark.django_db
@pytest.mark.parametrize("deed", ["demote", "remove"])
def test_the_last_owner_stays(deed):
    organisation = make_customer()
    owner = make_member(organisation)
    make_member(organisation, "admin")

    with organisation.scope(), pytest.raises(LastOwner):
        if deed == "demote":
            change_role(membership=owner, role="admin", by=owner.user)
        else:
            remove_member(membership=owner, by=owner.user)

    owner.refresh_from_db()
    assert owner.role == "owner"


@pytest.mark.django_db
def test_an_owner_who_is_not_the_last_may_leave():
    organisation = make_customer()
    first, second = make_member(organisation), make_member(organisation)

    with organisation.scope():
        remove_member(membership=first, by=first.user)

    assert list(Membership.objects.filter(organisation=organisation)) == [second]


@pytest.mark.django_db(transaction=True)
def test_two_owners_leaving_at_once_leave_one_behind():
    organisation = make_customer()
    owners = [make_member(organisation), make_member(organisation)]
    together, refused = threading.Barrier(2), []

    def leave(owner):
        try:
            with organisation.scope():
                together.wait()
                remove_member(membership=owner, by=owner.user)
        except LastOwner:
            refused.append(owner)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=[owner]) for owner in owners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert Membership.objects.filter(organisation=organisation, role="owner").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    "giver, role, is_allowed",
    [
        ("owner", "owner", True),
        ("admin", "admin", True),
        ("admin", "owner", False),
        ("admin", "finance", True),
        ("developer", "read_only", False),
    ],
)
def test_nobody_gives_a_role_that_allows_more_than_their_own(giver, role, is_allowed):
    organisation = make_customer()
    by = make_member(organisation, giver).user

    if is_allowed:
        assert invite(organisation, by=by, role=role)[0].role == role
    else:
        with pytest.raises((RoleNotYours, NotAllowed)):
            invite(organisation, by=by, role=role)
        assert not Invitation.objects.exists()


@pytest.mark.django_db
def test_an_agents_admin_cannot_appoint_who_moves_money():
    agent = make_agent()
    by = make_member(agent, "admin").user

    with pytest.raises(RoleNotYours):
        invite(agent, by=by, role="finance")


@pytest.mark.django_db
def test_an_agent_invites_the_first_owner_of_an_account_below_and_nobody_beside_it_can():
    agent, beside = make_agent(), make_agent()
    account = make_customer(parent=agent)
    ours, theirs = make_member(agent, "admin").user, make_member(beside).user

    with agent.downline_scope(user=ours.pk):
        assert invite_member(organisation=account, email="boss@example.com", role="owner", by=ours)
    with account.scope(user=theirs.pk), pytest.raises(NotAllowed):
        invite_member(organisation=account, email="spy@example.com", role="owner", by=theirs)


@pytest.mark.django_db
def test_an_invitation_works_once_and_for_its_address():
    organisation = make_customer()
    owner, guest, other = make_member(organisation).user, make_user(email="new@example.com"), make_user()
    _, token = invite(organisation, by=owner, email="New@Example.com")

    with pytest.raises(InvitationForSomebodyElse):
        accept_invitation(token=token, user=other)
    assert accept_invitation(token=token, user=guest).role == "sender"
    with pytest.raises(InvitationUnusable):
        accept_invitation(token=token, user=guest)

    assert Membership.objects.filter(organisation=organisation, user=guest).count() == 1
    assert AuditEntry.objects.filter(organisation=organisation, action="member.joined").count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize("_case, change", [
    ("expired", {"expires_at": timezone.now() - timedelta(seconds=1)}),
    ("withdrawn", {"revoked_at": timezone.now()}),
])  # fmt: skip
def test_an_invitation_that_is_over_lets_nobody_in(_case, change):
    organisation = make_customer()
    invitation, token = invite(organisation, by=make_member(organisation).user)
    Invitation.objects.filter(pk=invitation.pk).update(**change)

    with pytest.raises(InvitationUnusable):
        accept_invitation(token=token, user=make_user(email="new@example.com"))
    assert Client().get(f"/invitations/{token}/").status_code == 404


@pytest.mark.django_db
def test_a_member_is_not_invited_twice_and_a_second_offer_replaces_the_first():
    organisation = make_customer()
    owner = make_member(organisation).user
    first, _ = invite(organisation, by=owner, role="sender")
    second, _ = invite(organisation, by=owner, role="support")

    with pytest.raises(AlreadyMember):
        invite(organisation, by=owner, email=owner.email.upper())

    assert list(Invitation.objects.filter(revoked_at=None)) == [second]
    assert first.token_fingerprint != second.token_fingerprint


@pytest.mark.django_db
def test_somebody_new_joins_by_the_link_in_the_mail(django_capture_on_commit_callbacks):
    organisation = make_customer(name="Kestrel & Sons")
    boss = signed_in(organisation)

    with django_capture_on_commit_callbacks(execute=True):
        boss.post("/settings/team/invite/", {"email": "new@example.com", "role": "sender"})
    path = re.search(r"http://testserver(/invitations/\S+)", mail.outbox[0].body).group(1)
    guest = Client()
    assert b"Join Kestrel &amp; Sons" in guest.get(path).content
    answer = guest.post(path, {"name": "Noa", "password": PASSWORD})

    assert answer["Location"] == "/home/"
    assert guest.get("/profile/").wsgi_request.organisation == organisation
    assert Membership.objects.get(user__email="new@example.com").role == "sender"
    assert "Kestrel & Sons" in mail.outbox[0].subject


@pytest.mark.django_db
def test_a_weak_password_keeps_the_invitation_open():
    organisation = make_customer()
    _, token = invite(organisation, by=make_member(organisation).user)

    answer = Client().post(f"/invitations/{token}/", {"name": "Noa", "password": "short"})

    assert answer.status_code == 200
    assert not User.objects.filter(email="new@example.com").exists()
    assert Invitation.objects.get().accepted_at is None


@pytest.mark.django_db
def test_somebody_known_signs_in_to_join():
    organisation = make_customer()
    _, token = invite(organisation, by=make_member(organisation).user)
    guest = make_user(email="new@example.com")
    visitor = Client()

    assert b"Sign in to join" in visitor.get(f"/invitations/{token}/").content
    visitor.post(f"/invitations/{token}/", {"name": "Thief", "password": PASSWORD + "!"})
    assert not Membership.objects.filter(user=guest).exists()
    sign_in(visitor, guest)
    assert visitor.post(f"/invitations/{token}/")["Location"] == "/home/"
    assert Membership.objects.filter(user=guest, organisation=organisation).exists()


@pytest.mark.django_db
def test_the_pages_change_roles_remove_and_withdraw():
    organisation = make_customer()
    boss = signed_in(organisation)
    member = make_member(organisation, "sender")
    invitation, _ = invite(organisation, by=make_member(organisation).user)

    boss.post(f"/settings/team/{member.pk}/", {"role": "support"})
    member.refresh_from_db()
    assert member.role == "support"
    assert b"Withdraw" in boss.get(f"/settings/team/invitations/{invitation.pk}/revoke/").content
    boss.post(f"/settings/team/invitations/{invitation.pk}/revoke/")
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None
    boss.post(f"/settings/team/{member.pk}/remove/")
    assert not Membership.objects.filter(pk=member.pk).exists()


@pytest.mark.django_db
def test_the_team_page_keeps_its_query_budget(django_assert_max_num_queries):
    organisation = make_operator()
    boss = signed_in(organisation)
    boss.get("/settings/team/")
    for _ in range(5):
        make_member(organisation, "sender")

    with django_assert_max_num_queries(16):
        assert boss.get("/settings/team/").status_code == 200
