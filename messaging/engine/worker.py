"""What a Celery worker process of the dispatch queue does besides tasks: it holds the carriers' binds."""

from celery.signals import worker_init, worker_process_init, worker_process_shutdown

from messaging.channels import runtime

from .dispatch import close_journal, give_back_of_the_dead, keep_journal

DISPATCH_QUEUE = "dispatch"

_keeper: runtime.Keeper | None = None


@worker_init.connect
def hold_binds_in_each_process(sender, **kwargs) -> None:
    """Have each process hold binds, after Celery's own beginning.

    Celery has a process drop the database connections it inherited, and cannot tell them from ones it has made itself:
    it closes them twice, by their number, which a thread of ours may have been given for something else in between.
    Receivers are called in the order they connect in, and Celery's connects just before this one is called.
    """
    if DISPATCH_QUEUE in sender.app.amqp.queues.consume_from:
        worker_process_init.connect(hold_binds)


def hold_binds(**kwargs) -> None:
    global _keeper
    keep_journal()
    give_back_of_the_dead()
    _keeper = runtime.Keeper()
    _keeper.start()


@worker_process_shutdown.connect
def let_go(**kwargs) -> None:
    if _keeper:
        _keeper.stop()
    runtime.close_all()
    close_journal()
