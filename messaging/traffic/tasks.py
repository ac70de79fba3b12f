from celery import shared_task


@shared_task(acks_late=True, soft_time_limit=50, time_limit=55)
def squash_counters() -> None:
    """Turn traffic deltas into one row a key, and sum up the hours that are over.

    Twice at once is harmless: a delta is taken once, in one statement, and an hour summed once, under the same lock.
    """
    from .squash import squash
    from .sums import sum_up

    squash()
    sum_up()
