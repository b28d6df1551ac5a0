"""The command line, from what is typed to what is printed."""

import csv
import io
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cnnviz import networks
from cnnviz.cli import output as cli_output

NETS = """
from torch import nn

class Small(nn.Sequential):
    def __init__(self, classes=10):
        super().__init__(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, classes))
"""


@pytest.fixture
def picture(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


@pytest.fixture
def nets(tmp_path, monkeypatch):
    (tmp_path / "nets_of_the_user.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield "nets_of_the_user:Small"
    sys.modules.pop("nets_of_the_user", None)


# --- networks, table -----------------------------------------------------------


def test_networks_lists_all_with_their_numbers(cnnviz):
    listed = cnnviz("networks")
    assert (listed.code, listed.err) == (0, "")
    assert re.search(r"^vgg16 .*138,357,544 +15,470,264,320", listed.out, re.MULTILINE)
    assert "FLOPs are twice that" in listed.out
    entries = {entry["key"]: entry for entry in json.loads(cnnviz("networks", "--json").out)["networks"]}
    assert entries["lenet5-1998"]["totals"]["params"] == 60_000
    assert len(entries) == len(re.findall(r"^[a-z]+[\w-]* .*× ", listed.out, re.MULTILINE))


@pytest.mark.parametrize("how", [("--json",), ("--format", "json")])
def test_table_as_json(cnnviz, how):
    table = json.loads(cnnviz("table", "resnet18", *how).out)
    assert set(table) == {"network", "input_shape", "layers", "totals"}
    assert table["totals"]["params"] == sum(layer["params"] for layer in table["layers"]) == 11_689_512


def test_table_takes_the_options_of_a_network(cnnviz):
    words = ("table", "resnet18", "--input", "3,96,64", "--classes", 10, "--shortcut", "A", "--json")
    table = json.loads(cnnviz(*words).out)
    assert table["input_shape"] == [3, 96, 64]
    assert table["layers"][-1]["output_shape"] == [10]
    heads = json.loads(cnnviz("table", "googlenet", "--heads", "--json").out)
    assert heads["totals"]["params"] == 13_378_280
    assert json.loads(cnnviz("table", "googlenet", "--no-heads", "--json").out)["totals"]["params"] == 6_998_552


def test_table_in_every_format(cnnviz, tmp_path):
    assert "61,706 parameters" in cnnviz("table", "lenet5").out
    rows = list(csv.DictReader(io.StringIO(cnnviz("table", "lenet5", "--format", "csv").out)))
    assert sum(int(row["parameters"]) for row in rows) == 61_706
    assert cnnviz("table", "lenet5", "--format", "latex").out.startswith(r"\begin{tabular}")
    assert "\n| --- |" in cnnviz("table", "lenet5", "--format", "markdown").out
    assert "Total params: 61,706" in cnnviz("table", "lenet5", "--format", "torchinfo").out


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("t.csv", "name,kind,"),
        ("t.json", "{"),
        ("t.MD", "lenet5, 1 × 32 × 32"),
        ("t.tex", r"\begin"),
        ("t.txt", "l"),
    ],
)
def test_a_files_extension_says_the_format(cnnviz, tmp_path, name, start):
    done = cnnviz("table", "lenet5", "-o", tmp_path / name)
    assert (done.code, done.out) == (0, "")
    assert (tmp_path / name).read_text("utf-8").startswith(start)


def test_a_format_that_is_named_goes_before_the_extension(cnnviz, tmp_path):
    cnnviz("table", "lenet5", "--format", "csv", "-o", tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_text().startswith("name,kind")


def test_a_network_of_the_users_own(cnnviz, nets):
    table = json.loads(cnnviz("table", nets, "--input", "1,28,28", "--classes", 3, "--json").out)
    assert (table["network"], table["totals"]["params"]) == (nets, 40 + 8_115)
    summary = cnnviz("table", nets, "--input", "1,28,28", "--format", "torchinfo")
    assert "Total params: 27,090" in summary.out


# --- graph, receptive-field, replicate -----------------------------------------


def test_graph_as_text(cnnviz):
    assert cnnviz("graph", "lenet5").out.startswith("digraph")
    assert "flowchart" in cnnviz("graph", "lenet5", "--format", "mermaid").out
    graph = json.loads(cnnviz("graph", "resnet18", "--json").out)
    assert set(graph) == {"network", "nodes", "edges", "blocks"}
    assert len(graph["nodes"]) == 71


def test_graph_as_an_outline(cnnviz):
    assert len(re.findall(r" \[label=.*inception block", cnnviz("graph", "googlenet", "--outline").out)) == 9


def test_graph_folds_equal_blocks_unless_full(cnnviz):
    folded, full = (cnnviz("graph", "resnet152", *flag).out for flag in ((), ("--full",)))
    assert "layer3.20.conv1" not in folded
    assert "layer3.20.conv1" in full


@pytest.mark.parametrize(
    ("name", "start"), [("g.svg", b"<?xml"), ("g.png", b"\x89PNG"), ("g.pdf", b"%PDF"), ("g.gv", b"digraph")]
)
def test_graph_as_a_file(cnnviz, tmp_path, name, start):
    assert cnnviz("graph", "lenet5", "-o", tmp_path / name).code == 0
    assert (tmp_path / name).read_bytes().lstrip().startswith((start, b"<svg") if name == "g.svg" else start)


def test_a_picture_is_no_text_for_a_terminal(cnnviz, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    refused = cnnviz("graph", "lenet5", "--format", "png")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "A PNG is no text for a terminal: name a file for it, as in -o graph.png.\n"


def test_receptive_field(cnnviz):
    text = cnnviz("receptive-field", "alexnet", "pool5").out
    assert re.search(r"size +195 × 195\nstride +32 × 32\nstart +-64, -64\n", text)
    field = json.loads(cnnviz("receptive-field", "vgg16", "features.30", "--json").out)
    assert (field["size"], field["stride"]) == ([212, 212], [32, 32])
    assert "sees the whole input" in cnnviz("receptive-field", "alexnet", "fc6").out


@pytest.mark.parametrize(("kernel", "percent"), [(5, "28.0"), (7, "44.9"), (11, "62.8")])
def test_replicate(cnnviz, kernel, percent):
    text = cnnviz("replicate", kernel).out
    assert f"{percent} % fewer weights" in text
    assert "FLOPs are twice that" in text


def test_replicate_with_channels_and_a_map(cnnviz):
    words = ("replicate", 7, "--in", 4, "--mid", 8, "--out", 16, "--map", "2,3", "--json")
    value = json.loads(cnnviz(*words).out)
    assert (value["weights_single"], value["weights_stack"]) == (49 * 64, 9 * (32 + 64 + 128))
    assert value["macs_stack"] == 6 * value["weights_stack"]
    assert value["saving_percent"] == pytest.approx(100 * (1 - 2016 / 3136))
    assert "% more weights" in cnnviz("replicate", 5, "--mid", 64).out


def test_replicate_with_a_stride_and_biases(cnnviz):
    words = ("replicate", 5, "--stride", 2, "--stride-in", "each", "--bias", "--map", "8,8")
    text = cnnviz(*words).out
    assert "not 5 × 5" in text
    assert "Biases are counted" in text
    value = json.loads(cnnviz(*words, "--json").out)
    assert (value["receptive_field"], value["receptive_field_stack"]) == (5, 7)
    assert (value["weights_single"], value["weights_stack"]) == (26, 20)
    dilated = json.loads(cnnviz("replicate", 5, "--dilation", 3, "--json").out)
    assert dilated["receptive_field"] == 13
    assert "receptive_field_stack" not in dilated


# --- activations ---------------------------------------------------------------


def test_activations_as_a_picture(cnnviz, picture, tmp_path):
    done = cnnviz("activations", "lenet5", picture, "--layer", "conv1", "-o", tmp_path / "maps.png")
    assert done.code == 0
    assert "lenet5 with weights trained by this project on MNIST (lenet5.safetensors), on " in done.out
    assert "conv1: 6 × 28 × 28" in done.out
    assert done.err == "", "no progress bar where nobody watches"
    with Image.open(tmp_path / "maps.png") as written:
        assert written.format == "PNG"


def test_activations_as_numbers(cnnviz, picture, tmp_path):
    file = tmp_path / "maps.npz"
    words = ("--layer", "layer1.0.add", "--layer", "fc", "--size", 64, "--weights", "random", "--json")
    done = cnnviz("activations", "resnet18", picture, *words, "-o", file)
    said = json.loads(done.out)
    assert said["weights"] == "random weights, seed 0 (untrained)"
    assert [layer["output_shape"] for layer in said["layers"]] == [[64, 16, 16], [1000]]
    with np.load(file) as maps:
        assert set(maps) == {"layer1.0.add", "fc"}
        assert maps["layer1.0.add"].shape == (64, 16, 16)
        assert maps["fc"].dtype == np.float32
        assert float(maps["fc"].max()) == pytest.approx(said["layers"][1]["high"])


def test_activations_of_a_network_of_the_users_own(cnnviz, nets, picture, tmp_path):
    words = ("--layer", "0", "--input", "1,28,28", "-o", tmp_path / "maps.npz")
    done = cnnviz("activations", nets, picture, *words)
    assert done.code == 0
    assert f"weights as {nets} makes them" in done.out
    assert "normalisation '0 to 1'" in done.err
    seeded = cnnviz("activations", nets, picture, *words, "--weights", "random")
    assert "random weights, seed 0 (untrained)" in seeded.out


# --- what goes wrong -----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("table alexnt", "No network is called 'alexnt'. Did you mean 'alexnet'"),
        ("graph nowhere:Net", "No module named 'nowhere'"),
        ("table alexnet --input 3,300,300", r"alexnet's fc6 needs .* Use 227\."),
        ("table alexnet --input 3,20,20", "alexnet's pool2 needs maps of at least 3 x 3"),
        ("table resnet18 --input 1,224,224", "resnet18's conv1 needs 3 channels"),
        ("table resnet18 --input 224", "channels,height,width are needed, as in 3,224,224"),
        ("table resnet18 --input 3,0,5", "from 1 to 65,536"),
        ("table resnet18 --input -3,5,5", "--input"),
        ("table resnet18 --classes 0", "classes=0"),
        ("table resnet18 --classes many", "invalid int value: 'many'"),
        ("table resnet18 --shortcut D", "'A', 'B' or 'C'"),
        ("table resnet18 --heads", "resnet18 takes no such option"),
        ("table resnet18 --format word", "invalid choice: 'word'"),
        ("table lenet5 -o table.word", r"end it in \.txt, \.json, \.csv, \.md or \.tex"),
        ("table lenet5 -o /nowhere/table.csv", "'/nowhere/table.csv' can't be written: No such file"),
        ("graph lenet5 -o graph.jpg", r"end it in \.svg"),
        ("receptive-field resnet18 layer9", "No layer of resnet18 is called 'layer9'"),
        ("replicate 4", r"only odd sizes .* try 5\."),
        ("replicate 1", "only odd sizes"),
        ("replicate 1000000001", "9,999 is the largest"),
        ("replicate 5 --in 0", "0 channels in"),
        ("replicate 5 --map 3", "height,width are needed"),
        ("replicate 5 --map 0,0", "at least one position"),
        ("activations lenet5 PICTURE --layer conv9 -o m.png", "No layer of lenet5 is called 'conv9'"),
        (
            "activations lenet5 PICTURE --layer conv1 --layer conv2 -o m.png",
            "2 layers don't fit into one picture",
        ),
        ("activations lenet5 PICTURE --layer conv1 -o m.jpg", r"end it in \.png or \.npz"),
        ("activations lenet5 PICTURE --layer conv1", "required: -o"),
        ("activations lenet5 PICTURE --layer conv1 -o m.png --device tpu", "The device 'tpu' isn't there"),
        ("activations lenet5 PICTURE --layer conv1 -o m.png --weights no.pt", "no weight file 'no.pt'"),
        ("activations lenet5 PICTURE --layer conv1 -o m.png --size big", "one number is needed"),
        (
            "activations resnet18 PICTURE --layer fc -o m.npz --input 3,64,64 --size 32",
            "contradict each other",
        ),
        ("activations resnet18 PICTURE --layer fc -o m.npz --size 5000", "4,096"),
        (
            "activations lenet5 /nowhere.png --layer conv1 -o m.png",
            "'/nowhere.png' can't be read: No such file",
        ),
        ("activations lenet5 FOLDER --layer conv1 -o m.png", "can't be read: Is a directory"),
        ("activations lenet5 TEXT --layer conv1 -o m.png", "no picture that we can read"),
        ("app --port 0", "ports go from 1 to 65,535"),
        ("app alexnt", "No network is called 'alexnt'"),
        ("app nowhere:Net", "nowhere:Net can't be had, as importing nowhere fails: .*No module named 'nowhere'"),
        ("app lenet5 --input 1,28,28", "--input is for networks of your own, but none is named"),
        ("app lenet5 --batch-norm", "--batch-norm is for networks of your own"),
        ("graph lenet5 --full --outline", "not allowed with"),
        ("nonsense", "invalid choice: 'nonsense'"),
        ("", "required: COMMAND"),
    ],
)
def test_what_is_wrong_is_one_sentence_on_stderr(cnnviz, picture, monkeypatch, line, sentence):
    tmp_path = picture.parent
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "text.png").write_text("no picture")
    files = {"PICTURE": picture, "FOLDER": tmp_path, "TEXT": tmp_path / "text.png"}
    refused = cnnviz(*(files.get(word, word) for word in line.split()))
    assert refused.code == 2
    assert refused.out == ""
    assert re.search(sentence, refused.err)
    assert refused.err.count("\n") == 1
    assert "Traceback" not in refused.err
    assert not list(tmp_path.glob("m.*"))


def test_too_little_memory_is_a_sentence(cnnviz, picture, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("cnnviz.cli.activations.capture", fails)
    refused = cnnviz("activations", "lenet5", picture, "--layer", "conv1", "-o", tmp_path / "m.png")
    assert refused.code == 2
    assert "needs more memory than 'cpu' has; use a smaller --size" in refused.err


def test_ctrl_c_has_its_own_exit_code(cnnviz, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cnnviz.cli.replicate.replicate", interrupted)
    stopped = cnnviz("replicate", 5)
    assert (stopped.code, stopped.err) == (130, "")


def test_numbers_that_json_does_not_have_are_never_written():
    with pytest.raises(ValueError, match="JSON"):
        cli_output.as_json({"x": float("nan")})


# --- as a program --------------------------------------------------------------


def program(*words, **how):
    return subprocess.run([sys.executable, *words], capture_output=True, timeout=120, check=False, **how)


@pytest.mark.parametrize("words", [["--help"], ["replicate", "5"], ["replicate", "4"], ["table"]])
def test_nothing_heavy_is_imported_without_need(words):
    code = (
        "import sys\nfrom cnnviz.cli import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "print(sorted({'torch', 'pandas', 'streamlit', 'numpy'} & set(sys.modules)))"
    )
    assert program("-c", code, *words).stdout.decode().endswith("[]\n")


def test_it_runs_as_a_module_too():
    done = program("-m", "cnnviz", "replicate", "11", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["stack"] == 5
    refused = program("-m", "cnnviz", "replicate", "4")
    assert (refused.returncode, refused.stdout) == (2, b"")


def test_a_terminal_without_unicode_is_no_reason_to_fail():
    done = program("-m", "cnnviz", "replicate", "5", env={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"5 ? 5" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes")
def test_a_reader_that_leaves_early_is_no_error():
    code = (
        "import sys, time\nfrom cnnviz.cli import main\nfrom cnnviz.cli import replicate\n"
        "sys.stdin.read()\nreplicate.as_json = lambda v: 'x' * 10**6\n"
        "sys.exit(main(['replicate', '5', '--json']))"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe) as child:
        child.stdout.close()
        child.stdin.close()
        assert child.stderr.read() == b""
    assert child.returncode == 141


# --- app -----------------------------------------------------------------------


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(("ends", "code"), [("raise SystemExit(7)", 7), ("import os; os.abort()", 134)])
@pytest.mark.skipif(sys.platform == "win32", reason="exit codes of signals")
def test_app_starts_streamlit_on_all_addresses_and_passes_its_exit_code_on(cnnviz, monkeypatch, port, ends, code):
    started = []

    class Child(subprocess.Popen):
        def __init__(self, command, **how):
            started.append((command, how))
            super().__init__([sys.executable, "-c", ends])

    monkeypatch.setattr("cnnviz.cli.app.subprocess.Popen", Child)
    done = cnnviz("app", "--port", port)
    assert done.code == code
    assert f"http://localhost:{port}" in done.out
    [(command, how)] = started
    assert command[1:4] == ["-m", "streamlit", "run"]
    assert command[4].endswith("main.py")
    assert {f"--server.port={port}", "--server.address=0.0.0.0", "--server.headless=true"} <= set(command)
    assert (how["cwd"] / "app" / "main.py").is_file()


@pytest.fixture
def started(monkeypatch):
    """The environments of the processes that were to run the app; none is run."""
    environments = []

    class Child(subprocess.Popen):
        def __init__(self, command, **how):
            environments.append(how["env"])
            super().__init__([sys.executable, "-c", ""])

    monkeypatch.setattr("cnnviz.cli.app.subprocess.Popen", Child)
    return environments


def test_app_hands_networks_of_the_users_own_on_with_their_folder(cnnviz, nets, tmp_path, monkeypatch, port, started):
    monkeypatch.setattr(networks, "_brought", {})
    assert cnnviz("app", nets, "lenet5", "--input", "1,28,28", "--classes", 3, "--port", port).code == 0
    assert networks.card(nets).keywords == (("classes", 3),)
    [environment] = started
    assert environment["PATH"]

    # what the app's own process makes of it, in another folder
    code = (
        "from cnnviz import networks\nfrom cnnviz.cli.named import named\n"
        "print(named(), networks.card(named()[0]).input_shape)"
    )
    monkeypatch.undo()
    done = program("-c", code, env=environment, cwd=Path(__file__).parents[1])
    assert done.stdout.decode() == f"('{nets}', 'lenet5') (1, 28, 28)\n"


def test_app_without_networks_of_the_users_own_hands_nothing_on(cnnviz, port, started):
    cnnviz("app", "--port", port)
    assert "CNNVIZ_NETWORKS" not in started[0]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--input", "1,30,30"), "Small's 3 needs .* Give the shape of its input, channels,height,width"),
        (("--input", "28"), "channels,height,width are needed"),
        (("--input", "1,28,28", "--heads"), r"Small\(heads=True\) of nets_of_the_user fails: TypeError"),
    ],
)
def test_app_starts_nothing_where_a_network_cannot_be_shown(cnnviz, nets, monkeypatch, port, started, words, sentence):
    monkeypatch.setattr(networks, "_brought", {})
    refused = cnnviz("app", nets, *words, "--port", port)
    assert (refused.code, refused.out) == (2, "")
    assert re.search(sentence, refused.err)
    assert refused.err.count("\n") == 1
    assert not started


def test_app_finds_networks_in_a_folder_that_is_named(cnnviz, nets, tmp_path, monkeypatch, port, started):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(networks, "_brought", {})
    assert cnnviz("app", nets, "--input", "1,28,28", "--folder", "..", "--port", port).code == 0
    assert f"--folder={tmp_path}" in started[0]["CNNVIZ_NETWORKS"]


@pytest.mark.skipif(sys.platform == "win32", reason="other signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_app_passes_signals_on(number, tmp_path):
    child = (
        "import signal, sys, time\n"
        "for n in (signal.SIGINT, signal.SIGTERM): signal.signal(n, lambda n, f: sys.exit(40 + n))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    code = (
        "import sys\nfrom pathlib import Path\nfrom cnnviz.cli.app import _passing_on_signals\n"
        f"sys.exit(_passing_on_signals([sys.executable, '-c', {child!r}], Path('.'), {{}}))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"ready\n"
        parent.send_signal(number)
        assert parent.wait(30) == 40 + number


def test_a_port_in_use_is_a_sentence(cnnviz):
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        taken = other.getsockname()[1]
        refused = cnnviz("app", "--port", taken)
    assert refused.code == 2
    assert re.fullmatch(rf"The port {taken} can't be used \(.*\): give another, as in --port 8600\.\n", refused.err)
