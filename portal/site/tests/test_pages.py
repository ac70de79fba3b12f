import pytest
from django.test import Client

from accounts.models import Brand
from accounts.tests.factories import make_agent, make_customer, signed_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/", "/docs/", "/docs/api/", "/docs/openapi.json"])
def test_a_visitor_reads_the_public_pages(path):
    response = Client().get(path)

    assert response.status_code == 200


def test_who_is_signed_in_is_sent_home():
    response = signed_in(make_customer()).get("/")

    assert response.status_code == 302
    assert response.url == "/home/"


def test_home_asks_a_visitor_to_sign_in():
    response = Client().get("/home/")

    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/")


def test_a_resellers_host_shows_its_brand_and_logo():
    agent = make_agent()
    Brand.objects.create(
        organisation=agent,
        name="Kestrel",
        host="sms.kestrel.test",
        colour="#0f6b45",
        logo=b"\x89PNG",
        logo_type="image/png",
    )

    page = Client(headers={"host": "sms.kestrel.test"}).get("/").content.decode()
    logo = Client(headers={"host": "sms.kestrel.test"}).get("/brand/logo")

    assert "Kestrel" in page
    assert "Signalbox" not in page
    assert logo.content == b"\x89PNG"
    assert Client().get("/brand/logo").status_code == 404
