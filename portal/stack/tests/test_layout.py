import stat

import pytest

from portal.stack.errors import StackError
from portal.stack.identity import Identity
from portal.stack.layout import LONGEST_SOCKET_PATH, Layout, take_lock, wipe


def make_layout(folder):
    return Layout(var=folder, identity=Identity())


def test_what_is_private_is_closed_to_others(tmp_path):
    layout = make_layout(tmp_path / "var")

    layout.make()

    for folder in (layout.secret, layout.pgdata, layout.postgres_socket, layout.log):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_sockets_move_to_a_short_private_folder_when_their_path_would_not_fit(tmp_path):
    deep = make_layout(tmp_path / ("long" * 20))

    assert not deep.sockets.is_relative_to(deep.var)
    assert len(str(deep.sockets / "postgres/.s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
    assert deep.sockets == make_layout(deep.var).sockets
    assert deep.sockets != make_layout(tmp_path / ("other" * 20)).sockets


def test_a_socket_folder_that_is_a_link_is_refused(tmp_path):
    layout = make_layout(tmp_path / "var")
    layout.make()
    layout.postgres_socket.rmdir()
    layout.postgres_socket.symlink_to(tmp_path)

    with pytest.raises(StackError, match="belongs to somebody else"):
        layout.make()


def test_a_folder_with_other_things_in_it_never_becomes_ours(tmp_path):
    (tmp_path / "holiday.jpg").write_text("")

    with pytest.raises(StackError, match="holds other things"):
        make_layout(tmp_path).make()


def test_a_file_in_the_way_is_told_in_one_sentence(tmp_path):
    (tmp_path / "var").write_text("")

    with pytest.raises(StackError, match="cannot be used"):
        take_lock(make_layout(tmp_path / "var"))


def test_only_one_launcher_runs_on_a_folder(tmp_path):
    layout = make_layout(tmp_path / "var")

    with take_lock(layout), pytest.raises(StackError, match="already running"):
        take_lock(layout)
    take_lock(layout).close()


def test_wiping_deletes_all_data_and_names_it(tmp_path):
    layout = make_layout(tmp_path / "var")
    layout.make()
    (layout.var / "test").mkdir()

    with take_lock(layout):
        doomed = wipe(layout)

    assert layout.pgdata in doomed and layout.secret in doomed
    assert {path.name for path in layout.var.iterdir()} == {"lock", ".signalbox", "test"}


def test_wiping_leaves_a_folder_alone_that_is_not_ours(tmp_path):
    (tmp_path / "holiday.jpg").write_text("")

    with pytest.raises(StackError, match="not made by Signalbox"):
        wipe(make_layout(tmp_path))

    assert (tmp_path / "holiday.jpg").exists()
