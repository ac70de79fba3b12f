"""A reseller's pages, as a browser asks for them."""

from django.urls import reverse


def page(client, name, /, *ids, **query):
    return client.get(reverse(f"agents:{name}", args=ids), query)


def send(client, name, /, *ids, **data):
    return client.post(reverse(f"agents:{name}", args=ids), data)
