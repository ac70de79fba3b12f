"""The wizard and the live page, as a person's browser asks for them."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

HTMX = {"HTTP_HX_REQUEST": "true"}
AS_FOUND = {"delimiter": ",", "encoding": "auto"}


def url(name: str, *args) -> str:
    return reverse(f"messaging:{name}", args=args)


def page(response) -> str:
    return response.content.decode()


def send_file(client: Client, bells, content: bytes | str, *, name="list.csv", region="GB"):
    content = content.encode() if isinstance(content, str) else content
    with bells():
        return client.post(
            url("campaign_new"), {"file": SimpleUploadedFile(name, content), "default_region": region}
        )  # fmt: skip
