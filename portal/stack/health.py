"""Whether a house is well, asked from outside."""

import http.client

from portal.stack import ports


def is_healthy(port: int) -> bool:
    """Whether the console itself says that it is well."""
    connection = http.client.HTTPConnection(ports.HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
