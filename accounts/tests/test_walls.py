import pytest
from django.db import connection


@pytest.mark.django_db
def test_tests_run_under_the_engine_role():
    with connection.cursor() as cursor:
        cursor.execute("select current_user")
        assert cursor.fetchone() == ("signalbox_engine",)
