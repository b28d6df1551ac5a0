"""What visitors have sent is bounded."""

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from app.server import Uploads


@pytest.fixture
def manager():
    found = MemoryUploadedFileManager("/upload")
    Uploads(found, most=1_000, files=20).bound()
    return found


def send(manager, session, number, size):
    manager.add_file(session, UploadedFileRec(file_id=str(number), name="a", type="b", data=bytes(size)))


def held(manager):
    return [(session, number) for session, files in manager.file_storage.items() for number in files]


def test_the_oldest_go_whoever_sent_them(manager):
    for session, number, size in (("a", 1, 400), ("b", 2, 400), ("a", 3, 100), ("b", 4, 300)):
        send(manager, session, number, size)
    assert sorted(held(manager)) == [("a", "3"), ("b", "2"), ("b", "4")]
    send(manager, "c", 5, 900)
    assert held(manager) == [("c", "5")]


def test_one_that_is_larger_than_all_is_kept_until_its_page_has_taken_it(manager):
    send(manager, "a", 1, 2_000)
    assert manager.get_files("a", ["1"])
    send(manager, "a", 2, 1)
    assert not manager.get_files("a", ["1"])


def test_empty_ones_are_counted_too(manager):
    for number in range(1_000):
        send(manager, "a", number, 0)
    assert len(held(manager)) == 20


def test_what_went_with_its_visitor_makes_room(manager):
    send(manager, "a", 1, 900)
    send(manager, "b", 2, 50)
    manager.remove_session_files("a")
    send(manager, "c", 3, 900)
    assert sorted(held(manager)) == [("b", "2"), ("c", "3")]
    send(manager, "b", 2, 100)  # sent again
    assert sorted(held(manager)) == [("b", "2"), ("c", "3")]
