"""What surrounds every request: its transaction, its scope, its refusals."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import Client
from django.urls import include, path
from django.views import View
from django.views.generic import TemplateView
from redis.exceptions import ConnectionError as CacheAway
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api import authenticate_request
from accounts.models import ApiKey, Membership, Organisation, User
from accounts.rules.permissions import Permission
from accounts.tests.factories import make_api_key, make_customer, make_member, make_user, sign_in, signed_in
from accounts.views_support import OrganisationMixin
from kit import tenancy
from kit.errors import DomainError, NotFound

pytestmark = [pytest.mark.django_db, pytest.mark.urls("accounts.tests.test_requests")]

REFUSALS = {
    "domain": DomainError,
    "missing": NotFound,
    "http404": Http404,
    "denied": PermissionDenied,
    "bug": ZeroDivisionError,
    "database": OperationalError,
    "cache": CacheAway,
}


def rename_and_fail(request, how):
    """Changes a person's name, then goes wrong in the way asked for."""
    User.objects.all().update(name="Half done")
    if how == "answer":
        return HttpResponse("no", status=409)
    raise REFUSALS[how]()


def rename_by_key_and_fail(request, how):
    authenticate_request(request)
    return rename_and_fail(request, how)


def who(request):
    scope = tenancy.current_scope()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        (role,) = cursor.fetchone()
    return JsonResponse(
        {
            "role": role,
            "organisation": str(scope.organisation) if scope.organisation else None,
            "organisations": Organisation.objects.count(),
            "memberships": Membership.objects.count(),
        }
    )


def streamed(request):
    return StreamingHttpResponse(one.name for one in Organisation.objects.all().iterator())


class Money(OrganisationMixin, View):
    permission = Permission.PAY

    def get(self, request):
        return HttpResponse("paid")


class Channels(OrganisationMixin, TemplateView):
    permission = Permission.MANAGE_CHANNELS


class Keys(APIView):
    required_scope = {"GET": "messages:read"}

    def get(self, request):
        return Response({"keys": ApiKey.objects.count(), "organisation": str(request.auth.organisation.pk)})

    def post(self, request):
        return Response()


class Forgetful(APIView):
    def get(self, request):
        return Response()


handler500 = "portal.site.errors.server_error"
handler404 = "portal.site.errors.page_not_found"
handler403 = "portal.site.errors.permission_denied"
urlpatterns = [
    path("fail/<str:how>/", rename_and_fail),
    path("api/fail/<str:how>", rename_and_fail),
    path("api/key-fail/<str:how>", rename_by_key_and_fail),
    path("who/", who),
    path("streamed/", streamed),
    path("money/", Money.as_view()),
    path("channels/", Channels.as_view()),
    path("api/keys", Keys.as_view()),
    path("api/forgetful", Forgetful.as_view()),
    path("", include("portal.urls")),
]


@pytest.fixture
def client():
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("door", ["/fail/", "/api/fail/", "/api/key-fail/"])
@pytest.mark.parametrize("how", [*REFUSALS, "answer"])
def test_an_answer_that_is_not_a_success_has_changed_nothing(door, how, client):
    organisation = make_customer()
    _, secret = make_api_key(organisation)
    user = sign_in(client, make_member(organisation, user=make_user(name="As before")).user)

    answer = client.get(f"{door}{how}", follow=True, headers={"Authorization": f"Bearer {secret}"})

    assert answer.status_code >= 400
    assert set(User.objects.values_list("name", flat=True)) == {"As before", "A Person"}
    assert user


@pytest.mark.parametrize(
    "how, status, code",
    [
        ("domain", 422, "refused"),
        ("missing", 404, "not_found"),
        ("http404", 404, "not_found"),
        ("denied", 403, "not_allowed"),
        ("bug", 500, "internal"),
        ("database", 503, "unavailable"),
        ("cache", 503, "unavailable"),
    ],
)
def test_the_api_says_what_went_wrong_in_one_shape(how, status, code, client):
    answer = client.get(f"/api/fail/{how}")

    assert answer.status_code == status
    assert answer.json()["error"].keys() == {"code", "message", "details"}
    assert answer.json()["error"]["code"] == code
    assert (answer.headers.get("Retry-After") == "5") == (status == 503)


def test_an_unknown_api_address_is_answered_in_the_same_shape(client):
    assert client.get("/api/v1/nothing-here").json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "how, status, text",
    [
        ("domain", 422, "This can&#x27;t be done."),
        ("missing", 404, "This page does not exist"),
        ("bug", 500, ""),
        ("database", 503, "back in a moment"),
    ],
)
def test_the_console_answers_with_a_page(how, status, text, client):
    sign_in(client, make_member(make_customer()).user)

    answer = client.get(f"/fail/{how}/")

    assert answer.status_code == status
    assert text in answer.content.decode()


def test_a_refused_form_goes_back_to_its_page_with_a_message(client):
    sign_in(client, make_member(make_customer()).user)

    answer = client.post("/fail/domain/", headers={"Referer": "http://testserver/profile/?a=1"})

    assert (answer.status_code, answer["Location"]) == (303, "/profile/?a=1")
    assert b"This can&#x27;t be done." in client.get("/profile/").content


def test_a_refused_fragment_becomes_a_toast(client):
    answer = client.post("/fail/domain/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer["HX-Reswap"]) == (422, "none")
    assert "done" in answer["HX-Trigger"]


def test_a_visitor_sees_no_tenants_rows(client):
    make_member(make_customer())

    assert client.get("/who/").json() == {
        "role": "signalbox_web",
        "organisation": None,
        "organisations": 0,
        "memberships": 0,
    }


def test_a_member_sees_their_organisation_and_only_their_own_membership_elsewhere(client):
    ours, also, theirs = make_customer(), make_customer(), make_customer()
    user = make_member(ours).user
    make_member(also, user=user)
    for organisation in (ours, also, theirs):
        make_member(organisation)
    sign_in(client, user, ours)

    seen = client.get("/who/").json()

    assert seen == {
        "role": "signalbox_web",
        "organisation": str(ours.pk),
        "organisations": 2,  # the two the person belongs to, for the switch
        "memberships": 3,  # the team here, and the person's own there
    }


def test_a_session_that_names_a_strangers_organisation_counts_as_none(client):
    ours, theirs = make_customer(), make_customer()
    sign_in(client, make_member(ours).user, theirs)

    assert client.get("/who/").json()["organisation"] == str(ours.pk)


def test_the_scope_ends_with_the_request(client):
    sign_in(client, make_member(make_customer()).user)
    client.get("/who/")

    assert tenancy.current_scope() is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, current_setting('app.organisation', true)")
        assert cursor.fetchone() == ("signalbox_engine", "")


def test_a_streamed_answer_is_made_inside_the_tenants_scope(client):
    ours = make_customer(name="Ours")
    make_customer(name="Theirs")
    sign_in(client, make_member(ours).user)

    answer = client.get("/streamed/")

    assert b"".join(answer.streaming_content) == b"Ours"


def test_a_role_without_the_permission_is_told_who_has_it():
    organisation = make_customer()

    assert signed_in(organisation, "finance").get("/money/").content == b"paid"
    answer = signed_in(organisation, "developer").get("/money/")

    assert answer.status_code == 403
    assert b"Owner, Admin, Finance" in answer.content


def test_a_page_the_kind_of_organisation_does_not_have_does_not_exist():
    assert signed_in(make_customer()).get("/channels/").status_code == 404


def test_nobody_signed_in_is_sent_to_the_sign_in_page(client):
    assert client.get("/money/")["Location"] == "/accounts/login/?next=/money/"


def test_a_key_reads_its_organisations_rows_through_the_api(client):
    ours = make_customer()
    _, secret = make_api_key(ours)
    make_api_key(make_customer())

    answer = client.get("/api/keys", headers={"Authorization": f"Bearer {secret}"})

    assert answer.json() == {"keys": 1, "organisation": str(ours.pk)}


@pytest.mark.parametrize(
    "_case, header, status, code",
    [
        ("none", None, 401, "api_key_missing"),
        ("another scheme", "Basic abc", 401, "api_key_missing"),
        ("no secret", "Bearer ", 401, "api_key_missing"),
        ("a guess", "Bearer sb_live_guess", 401, "api_key_unknown"),
        ("bytes", "Bearer \x00\xff'; DROP TABLE", 401, "api_key_unknown"),
    ],
)
def test_the_api_refuses_a_bad_key(_case, header, status, code, client):
    headers = {"Authorization": header} if header is not None else {}

    answer = client.get("/api/keys", headers=headers)

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_key_without_the_scope_is_refused(client):
    _, secret = make_api_key(make_customer(), ["balance:read"])

    answer = client.get("/api/keys", headers={"Authorization": f"Bearer {secret}"})

    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "code": "scope_missing",
        "message": answer.json()["error"]["message"],
        "details": {"scope": "messages:read", "has": ["balance:read"]},
    }


def test_a_view_that_names_no_scope_lets_nobody_in(client):
    _, secret = make_api_key(make_customer())

    for method, address in [("GET", "/api/forgetful"), ("POST", "/api/keys")]:
        answer = client.generic(method, address, headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 405


def test_a_session_does_not_open_the_api(client):
    sign_in(client, make_member(make_customer()).user)

    assert client.get("/api/keys").status_code == 401


@pytest.mark.parametrize(
    "_case, trusted, forwarded, address",
    [
        ("nobody in front", 0, "6.6.6.6", "127.0.0.1"),
        ("one proxy", 1, "6.6.6.6, 192.0.2.9", "192.0.2.9"),
        ("two proxies", 2, "6.6.6.6, 192.0.2.9, 10.0.0.1", "192.0.2.9"),
        ("a proxy that said nothing", 1, "", "127.0.0.1"),
        ("wrapped in IPv6", 1, "::ffff:192.0.2.9", "192.0.2.9"),
        ("not an address", 1, "unknown", None),
    ],
)
def test_the_callers_address_is_read_through_trusted_proxies_only(_case, trusted, forwarded, address, client, settings):
    settings.TRUSTED_PROXY_COUNT = trusted

    answer = client.get("/healthz", headers={"X-Forwarded-For": forwarded})

    assert answer.wsgi_request.address == address
