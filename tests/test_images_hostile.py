"""Pictures that are out to harm: none crashes, hangs or takes more than its share; a refusal is one sentence.

`CNNVIZ_FUZZ=600` has the fuzzer run for ten minutes, each time on other files.
"""

import faulthandler
import os
import subprocess
import sys
import time
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as some
from zoo import hostile, largest, sound

from cnnviz.errors import BadImage
from cnnviz.images import KEPT_SIDE, load_image

ROOT = Path(__file__).parents[1]
SOUND, HOSTILE = sound(), hostile()
SECONDS = float(os.environ.get("CNNVIZ_FUZZ", "3"))
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # which Pillow has for each odd tag
ADVICE = ("save it", "choose", "export it", "scale it down")


def look_at(data: bytes, name: str = "picture") -> str:
    """What is said of a file, "" where it is a picture."""
    try:
        picture = load_image(data, name)
    except BadImage as refused:
        sentence = str(refused)
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert len(sentence) < 300
        assert any(words in sentence for words in ADVICE), sentence
        return sentence
    assert picture.mode == "RGB"
    assert 1 <= max(picture.size) <= KEPT_SIDE
    return ""


@pytest.mark.parametrize("name", SOUND)
def test_whatever_is_sound_is_a_picture(name):
    assert look_at(SOUND[name]) == ""


@pytest.mark.parametrize("name", HOSTILE)
def test_the_zoo_is_pictures_or_sentences(name):
    began = time.process_time()
    look_at(HOSTILE[name], name)
    assert time.process_time() - began < 2


@pytest.mark.parametrize("name", SOUND)
def test_cut_at_any_tenth_it_is_a_picture_or_a_sentence(name):
    data = SOUND[name]
    for tenth in range(10):
        look_at(data[: len(data) * tenth // 10])


MEASURE = """
import sys, time
from pathlib import Path
from cnnviz.errors import BadImage
from cnnviz.images import load_image

def kilobytes(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])

load_image(Path("assets/photographs/cat.jpg").read_bytes())  # has Pillow's plugins loaded
for file in sys.argv[1:]:
    data = Path(file).read_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # the peak is taken from here
    before, began, said = kilobytes("VmRSS"), time.process_time(), "taken"
    try:
        load_image(data)
    except BadImage:
        said = "refused"
    print((kilobytes("VmHWM") - before) * 1024, time.process_time() - began, said)
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="needs Linux's /proc to be measured")
def test_no_file_takes_more_than_300_mb_or_long(tmp_path):
    files = dict(largest()) | HOSTILE
    for number, data in enumerate(files.values()):
        (tmp_path / str(number)).write_bytes(data)
    words = [sys.executable, "-c", MEASURE, *(str(tmp_path / str(number)) for number in range(len(files)))]
    done = subprocess.run(words, capture_output=True, check=True, text=True, cwd=ROOT, timeout=120)
    for (name, data), line in zip(files.items(), done.stdout.splitlines(), strict=True):
        peak, seconds, said = line.split()
        assert said == "taken" or name in HOSTILE, name
        assert int(peak) + len(data) < 300e6, name
        assert float(seconds) < 4, name  # 2 on a machine of one's own


# --- the fuzzer ------------------------------------------------------------------


@some.composite
def damaged(draw: some.DrawFn) -> bytes:
    """A file of the zoo after a few mishaps, or something that only begins like a picture."""
    files = list((SOUND | {name: data for name, data in HOSTILE.items() if len(data) < 10_000}).values())
    data = bytearray(draw(some.sampled_from(files)))
    for _ in range(draw(some.integers(1, 6))):
        at = draw(some.integers(0, max(0, len(data) - 1)))
        way = draw(some.sampled_from(["bit", "number", "insert", "cut", "again", "cross", "rest"]))
        if way == "bit" and data:
            data[at] ^= 1 << draw(some.integers(0, 7))
        elif way == "number":  # where sizes, offsets and counts stand, they hurt the most
            value = draw(some.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1]))
            wide, order = draw(some.sampled_from([1, 2, 4])), draw(some.sampled_from(["little", "big"]))
            data[at : at + wide] = (value % 256**wide).to_bytes(wide, order)
        elif way == "insert":
            data[at:at] = draw(some.binary(max_size=40))
        elif way == "cut":
            del data[at : at + draw(some.integers(1, 200))]
        elif way == "again":
            data[at:at] = data[at : at + draw(some.integers(1, 200))]
        elif way == "cross":
            other = draw(some.sampled_from(files))
            data[at:] = other[min(at, len(other)) :]
        else:
            data[at:] = draw(some.binary(max_size=200))
    return bytes(data)


def test_no_damage_makes_more_of_a_file_than_a_picture_or_a_sentence():
    end, rounds = time.monotonic() + SECONDS, 0

    @hypothesis.settings(
        max_examples=100, deadline=None, database=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    @hypothesis.given(damaged(), some.text(max_size=80))
    def holds(data: bytes, name: str) -> None:
        faulthandler.dump_traceback_later(60, exit=True)  # a decoder that hangs can't be interrupted
        began = time.process_time()
        said = look_at(data, name)
        assert time.process_time() - began < 4
        assert not set("<>[]`$*!") & set(said)

    fixed = "CNNVIZ_FUZZ" not in os.environ
    try:
        while not rounds or time.monotonic() < end:
            hypothesis.seed(rounds if fixed else os.urandom(8))(holds)()
            rounds += 1
    finally:
        faulthandler.cancel_dump_traceback_later()
