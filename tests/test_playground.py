"""The playground without a browser: its settings, data, training, script, and its server."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn.playground.script import Own
from nn.playground.server import MOST_BYTES, Server
from nn.playground.session import Session
from nn.playground.tables import from_csv, from_data

ROOT = Path(__file__).parents[1]


def session(**settings: Any) -> Session:
    made = Session()
    made.run("configure", {"settings": settings})
    return made


def losses(made: Session) -> dict[str, Any]:
    found: dict[str, Any] = made.trained.losses()
    return {name: value for name, value in found.items() if "accuracy" not in name}


# -------------------------------------------------------------------- training and settings


def test_it_trains_as_the_same_lines_written_by_hand() -> None:
    made = session(hidden=[5], seed=3, lr=0.2, batch_size=16)
    made.run("train", {"steps": 40})
    nn.manual_seed(3)
    train, test = nn.datasets.moons(200, noise=0.1, seed=3).split(0.3, seed=3)
    scaler = nn.Standardizer().fit(train.x)
    init: Any = {"init": "xavier"}
    model = nn.Sequential(nn.Dense(2, 5, **init), nn.Tanh(), nn.Dense(5, 2, **init))
    optimizer = nn.SGD(model.parameters(), lr=0.2)
    taken = 0
    while taken < 40:
        for x, y in nn.DataLoader(train, batch_size=16, shuffle=True):
            if taken < 40:
                loss = nn.cross_entropy(model(scaler.transform(x)), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                taken += 1
    expected = {
        name: float(nn.cross_entropy(model(scaler.transform(part.x)), part.y))
        for name, part in (("training", train), ("test", test))
    }
    assert losses(made) == expected
    assert made.run("state", {})["frame"]["step"] == 40


def test_the_plane_is_what_the_network_predicts() -> None:
    made = session()
    frame = made.run("train", {"steps": 30})
    state = made.run("state", {})
    plane = np.frombuffer(base64.b64decode(frame["plane"]["signed"]), np.int8).reshape(50, 50)
    (left, right), (bottom, top) = state["bounds"]
    for row, column in ((0, 0), (49, 3), (20, 31)):
        point = [
            left + (column + 0.5) / 50 * (right - left),
            top - (row + 0.5) / 50 * (top - bottom),
        ]
        first, second = made.run("probe", {"point": point})["predicted"]
        assert first + second == pytest.approx(1)
        assert plane[row, column] == pytest.approx(127 * (second - first), abs=0.6)


def test_the_plane_of_a_number_and_of_several_classes() -> None:
    made = session(data="waves")
    assert made.run("train", {"steps": 5})["plane"].keys() == {"signed"}
    low, high = made.run("state", {})["targets"]
    assert low < 0 < high
    made = session(data="iris", axes=[2, 3])
    plane = made.run("train", {"steps": 200})["plane"]
    likely = np.frombuffer(base64.b64decode(plane["likely"]), np.int8).reshape(50, 50)
    assert [likely[-1, 0], likely[0, -1]] == [0, 2], "small flowers at the bottom left are setosa"


def test_units_and_weights_of_a_frame_are_the_models() -> None:
    made = session(hidden=[3])
    layers = made.run("train", {"steps": 3})["layers"]
    weight = np.frombuffer(base64.b64decode(layers[0]["weight"]), np.float32).reshape(2, 3)
    np.testing.assert_array_equal(weight, made.trained.model[0].weight.data)
    units = np.frombuffer(base64.b64decode(layers[0]["units"]), np.int8).reshape(3, 25, 25)
    hidden = np.tanh(made.trained.grid @ weight + made.trained.model[0].bias.data)
    hidden = hidden.reshape(50, 50, 3)[::2, ::2].transpose(2, 0, 1)
    largest = abs(hidden).max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(units / 127, hidden / largest, atol=0.005)


def test_five_steps_and_the_plane_take_less_than_20_milliseconds() -> None:
    made, times = session(), []
    for _ in range(60):
        start = time.perf_counter()
        json.dumps(made.run("train", {"steps": 5}))
        times.append(time.perf_counter() - start)
    assert min(times) < 0.02


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"lr": "fast"}, "lr must be a number from 1e-06 to 100, not 'fast'"),
        ({"lr": float("nan")}, "lr must be a number"),
        ({"hidden": [4, 17]}, r"hidden\[1\] must be at most 16, not 17"),
        ({"hidden": [4] * 7}, "hidden must be a list of 0 to 6 items"),
        ({"hidden": [2.5]}, r"hidden\[0\] must be a positive integer, not 2.5"),
        ({"activation": "os.system"}, "activation is 'tanh', 'relu'"),
        ({"features": ["x1", "x1"]}, "each can be given once"),
        ({"features": []}, "features must be a list of 1 to 7 items"),
        ({"data": "own"}, "drop a CSV file"),
        ({"network": "own"}, r"start with nn.playground\(model, data\)"),
        ({"axes": [0, 2]}, r"the data have 2 inputs, and the axes are \(0, 2\)"),
        ({"points": 3}, "points must be an integer of at least 10, not 3"),
        ({"scale": 1}, "scale must be true or false, not 1"),
        ({"rate": 1}, "unknown setting 'rate'"),
        ({"added": [[0.0, 0.0, 2.0]]}, "classes are 0 to 1, and 2 is not one"),
        ({"added": [[0.0, 0.0, 0.0, 1.0]]}, r"added\[0\] needs 2 inputs and a target"),
        ([1], "settings are given by name"),
    ],
)
def test_a_mistake_in_the_settings_changes_nothing(settings: Any, says: str) -> None:
    made = session(hidden=[2])
    made.run("train", {"steps": 2})
    before = losses(made)
    with pytest.raises(ValueError, match=says):
        made.run("configure", {"settings": settings})
    assert made.run("state", {})["frame"]["step"] == 2
    assert losses(made) == before


@pytest.mark.parametrize(
    ("command", "values", "says"),
    [
        ("train", {"steps": 0}, "steps must be a positive integer, not 0"),
        ("train", {"steps": 10**9}, "steps must be at most 1000"),
        ("train", {}, "train: missing a required argument: 'steps'"),
        ("train", {"steps": 1, "self": 2}, "train: "),
        ("probe", {"point": [1]}, "a list of two numbers"),
        ("probe", {"point": [1, None]}, "a coordinate must be a number"),
        ("probe", {"index": 200}, "there are 200 points, and no number 200"),
        ("neuron", {"layer": 3, "unit": 0, "index": 0}, "no unit 0 in layer 3"),
        ("neuron", {"layer": 0, "unit": 6, "index": 0}, "no unit 6 in layer 0"),
        ("weight", {"path": "x", "index": [], "value": 1}, "there is no parameter 'x'"),
        ("weight", {"path": "0.weight", "index": [2, 0], "value": 1}, r"has shape \(2, 6\)"),
        ("weight", {"path": "0.weight", "index": [-1, 0], "value": 1}, "no place"),
        ("weight", {"path": "0.bias", "index": [0], "value": None}, "a weight must be a number"),
        ("add", {"point": [0, 0], "target": "a"}, "must be a number"),
        ("csv", {"name": 1, "text": "a"}, "given by its name and its text"),
    ],
)
def test_a_mistake_in_a_command(command: str, values: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Session().run(command, values)


def test_points_are_added_and_taken_away() -> None:
    made = session(data="points")
    with pytest.raises(ValueError, match="there are no points yet"):
        made.run("train", {"steps": 1})
    for point, target in (([-1.0, 0.5], 0), ([1.0, -0.5], 1), ([0.5, 1.0], 2)):
        state = made.run("add", {"point": point, "target": target})
    assert state["points"]["x"] == [[-1.0, 0.5], [1.0, -0.5], [0.5, 1.0]]
    assert state["classes"] == ["0", "1", "2"]
    assert made.run("train", {"steps": 300})["losses"]["training accuracy"] == 1
    assert made.run("undo", {})["points"]["target"] == [0, 1]


def test_a_loss_that_is_not_finite_stops_before_the_step() -> None:
    made = session(data="waves", scale=False, activation="relu", lr=100)
    before = None
    with pytest.raises(FloatingPointError, match="lower the learning"):  # noqa: PT012
        for _ in range(200):
            before = made.trained.model.state_dict()
            made.run("train", {"steps": 1})
    assert before is not None
    for path, values in made.trained.model.state_dict().items():
        np.testing.assert_array_equal(values, before[path])


# -------------------------------------------------------------------- looking closer


@pytest.mark.parametrize("data", ["moons", "waves", "iris"])
def test_the_arithmetic_of_a_neuron(data: str) -> None:
    made = session(data=data, hidden=[3, 2])
    made.run("train", {"steps": 20})
    model = made.trained.model
    found = made.run("neuron", {"layer": 1, "unit": 1, "index": 7})
    assert found["weights"] == model[2].weight.data[:, 1].tolist()
    z = np.dot(found["inputs"], found["weights"]) + found["bias"]
    assert found["sum"] == pytest.approx(z, abs=1e-6)
    assert found["output"] == pytest.approx(np.tanh(z), abs=1e-6)
    x, y = made._sample(None, 7)
    loss_of = made.trained.names["loss_of"]
    assert found["loss"] == float(loss_of(x, y))
    around = []
    for step in (1e-2, -1e-2):
        model[2].bias.data[1] += step
        around.append(float(loss_of(x, y)))
        model[2].bias.data[1] -= step
    assert found["upstream"] == pytest.approx((around[0] - around[1]) / 2e-2, rel=0.02, abs=1e-5)
    assert made.run("neuron", {"layer": 0, "unit": 0, "index": 7})["inputs"] == x[0].tolist()
    assert "upstream" not in made.run("neuron", {"layer": 0, "unit": 0, "point": [0, 0]})


def test_one_step_in_numbers_is_a_step_of_training() -> None:
    made = session(lr=0.5)
    result = made.run("step", {})
    twin = session(lr=0.5)  # seeds the generator of this thread again
    twin.run("train", {"steps": 1})
    assert losses(made) == losses(twin)
    numbers = result["numbers"]
    assert len(numbers["x"]) == 10
    for layer in numbers["layers"]:
        assert [update["name"] for update in layer["updates"]] == ["weight", "bias"]
        for update in layer["updates"]:
            old, g, new = (np.array(update[k]) for k in ("before", "gradient", "after"))
            np.testing.assert_allclose(new, old - 0.5 * g, atol=1e-6)
            assert abs(g).max() > 0
        given, upstream = np.array(layer["given"]), np.array(layer["upstream_sum"])
        weight, bias = (np.array(update["gradient"]) for update in layer["updates"])
        np.testing.assert_allclose(given.T @ upstream, weight, atol=1e-6)
        np.testing.assert_allclose(upstream.sum(axis=0), bias[:, 0], atol=1e-6)
        if layer["activation"]:
            slope = 1 - np.tanh(layer["sum"]) ** 2
            np.testing.assert_allclose(upstream, layer["upstream_output"] * slope, atol=1e-6)


def test_the_loss_at_a_point() -> None:
    made = session()
    made.run("train", {"steps": 10})
    found = made.run("probe", {"index": 5})
    p = found["predicted"][int(made.trained.targets[5])]
    assert found["losses"] == [pytest.approx(-np.log(p), rel=1e-4)]
    found = made.run("probe", {"point": [0.3, 0.2]})
    assert found["losses"] == pytest.approx([-np.log(p) for p in found["predicted"]], rel=1e-4)


@pytest.mark.parametrize("scale", [True, False])
def test_a_curve(scale: bool) -> None:
    made = session(data="sine", scale=scale, test_share=0, lr=0.1)
    state = made.run("state", {})
    x, y = nn.datasets.sine(200, noise=0.1, seed=1).arrays
    np.testing.assert_allclose(state["points"]["x"], np.concatenate([x, y], axis=1), atol=1e-6)
    np.testing.assert_allclose(state["points"]["target"], y[:, 0], atol=1e-6)
    frame = made.run("train", {"steps": 1000})
    plane = np.frombuffer(base64.b64decode(frame["plane"]["signed"]), np.int8).reshape(50, 50)
    (left, right), (bottom, top) = state["bounds"]
    for column in (5, 25, 44):
        place = left + (column + 0.5) / 50 * (right - left)
        predicted = made.run("probe", {"point": [place, 0]})["predicted"][0]
        assert predicted == pytest.approx(np.sin(place), abs=0.4)
        above = int((plane[:, column] > 0).sum())
        assert above == pytest.approx((top - predicted) / (top - bottom) * 50, abs=1)
    deviation = y.std() if scale else 1
    loss = made.run("probe", {"point": [place, 0.5]})["losses"]
    assert loss == [pytest.approx(((predicted - 0.5) / deviation) ** 2, rel=1e-3)]
    added = made.run("add", {"point": [1.0, -2.0], "target": None})
    assert added["points"]["x"][-1] == pytest.approx([1, -2])


# -------------------------------------------------------------------- the script


class Net(nn.Module):
    """A network of the user's own, with an activation that is no module, and with dropout."""

    def __init__(self) -> None:
        self.hidden = nn.Dense(4, 8)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Dense(8, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.dropout(np.tanh(self.hidden(x))))


def one_output() -> nn.Sequential:
    return nn.Sequential(nn.Dense(2, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Dense(4, 1))


def scripted(case: str) -> Session:
    if case == "built":
        made = session(features=["x1", "x2²", "sin x1"], weight_decay=0.01, optimizer="Adam")
        made.run("add", {"point": [0.25, -0.5], "target": 1})
    elif case == "number":
        made = session(data="waves", activation="gelu", test_share=0)
        made.run("add", {"point": [0.25, -0.5], "target": 0.5})
    elif case == "curve":
        made = session(data="sine", init="he", activation="relu")
        made.run("add", {"point": [0.25, -0.5], "target": None})
    elif case == "csv":
        made = Session()
        made.run("csv", {"name": "a", "text": "a;b;c\n1;2;yes\n0.1;1e-3;no\n3;1;yes\n0;2;no\n"})
    elif case == "class":
        made = Session(from_data(nn.datasets.iris()), Own(Net))
        made.run("configure", {"settings": {"init": "orthogonal"}})
    elif case == "function":
        made = Session(None, Own(one_output))
    else:
        model = nn.MLP(4, [6], 3, dropout=0.3)
        made = Session(from_data(nn.datasets.iris()), Own(model))
        assert made.trained.model is model
    return made


@pytest.mark.parametrize("case", ["built", "number", "curve", "csv", "class", "function", "module"])
def test_the_script_reaches_the_same_losses(case: str, tmp_path: Path) -> None:
    made = scripted(case)
    made.run("train", {"steps": 20})
    made.run("rate", {"lr": 0.05})
    made.run("step", {})
    path, parameter = next(iter(made.trained.model.named_parameters()))
    made.run("weight", {"path": path, "index": [0] * parameter.ndim, "value": 0.25})
    frame = made.run("train", {"steps": 20})
    (tmp_path / "playground.py").write_text(made.run("script", {})["code"], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "playground.py"],
        cwd=tmp_path, capture_output=True, encoding="utf-8",
        env=dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUTF8="1"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = {name: float(v) for name, v in re.findall(r"(\w+) loss: (\S+)", done.stdout)}
    assert printed == losses(made)
    assert printed["training"] == frame["losses"]["training"]


MAIN = """
import numpy as np
import nn
from nn.playground.script import Own
from nn.playground.session import Session
{imported}

class Net(nn.Module):
    def __init__(self):
        self.layer = nn.Dense(2, 2)

    def forward(self, x):
        return {function}(self.layer(x))

session = Session(None, Own(Net))
session.run("train", {{"steps": 3}})
print(session.run("script", {{}})["code"] + "# " + repr(session.trained.losses()["training"]))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUTF8="1")
    path = Path("main.py")
    path.write_text(code, encoding="utf-8")
    command = [sys.executable, str(path)]
    return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")


def test_a_model_of_the_main_program_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(MAIN.format(imported="", function="np.tanh"))
    assert done.returncode == 0, done.stderr
    again = run(done.stdout)
    assert again.returncode == 0, again.stderr
    assert f"training loss: {done.stdout.rpartition('# ')[2]}" in again.stdout
    done = run(MAIN.format(imported="from numpy import tanh", function="tanh"))
    assert "Net cannot be copied into a script, since it uses tanh; put it" in done.stderr


def test_a_step_that_failed_is_in_the_script() -> None:
    made = session(data="waves", scale=False, activation="relu", lr=100)
    with pytest.raises(FloatingPointError):
        made.run("train", {"steps": 200})
    code = made.run("script", {})["code"]
    names: dict[str, Any] = {}
    with np.errstate(all="ignore"):
        exec(code, names)
    for path, values in made.trained.model.state_dict().items():
        np.testing.assert_array_equal(names["model"].state_dict()[path], values)


def test_models_that_cannot_be_written_down() -> None:
    made = Session(from_data(nn.datasets.iris()), Own(Net()))
    made.run("train", {"steps": 1})
    with pytest.raises(ValueError, match=r"give the playground the function or class"):
        made.run("script", {})
    made = Session(from_data(nn.datasets.iris()), Own(lambda: nn.Dense(4, 3)))
    with pytest.raises(ValueError, match="a function or class with a name"):
        made.run("script", {})
    with pytest.raises(TypeError, match="a function or class that makes one, not a int"):
        Own(3)


@pytest.mark.parametrize(
    ("model", "loss", "says"),
    [
        (nn.Dense(4, 2), None, "the model has 2 outputs, and the data 3 classes"),
        (nn.Dense(4, 1), None, "the model has one output, and the data 3 classes"),
        (nn.Dense(5, 3), None, "expected input of 5 features"),
        (nn.Dense(4, 3), "crossentropy", "unknown loss 'crossentropy'; did you mean"),
        (nn.Sequential(nn.Dense(4, 3), nn.Lambda(np.sum)), None, "a row for each point"),
    ],
)
def test_models_that_do_not_fit(model: Any, loss: str | None, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Session(from_data(nn.datasets.iris()), Own(model), loss)


# -------------------------------------------------------------------- data of your own


def test_a_csv_file() -> None:
    table = from_csv("a.csv", '\ufeff"a","b",kind\r\n1,2,"x, y"\r\n3,4e0,z\r\n\r\n')
    assert (table.inputs, table.classes) == (["a", "b"], ["x, y", "z"])
    assert table.x.tolist() == [[1, 2], [3, 4]]
    table = from_csv("", "1\t2\t0.5\n2\t3\t1.5\n")
    assert (table.inputs, table.classes, table.y.tolist()) == (["x1", "x2"], [], [[0.5], [1.5]])
    table = from_csv("", "1,2,7\n2,3,5\n")
    assert (table.classes, table.y.tolist()) == (["5", "7"], [1, 0])
    many = "".join(f"0,0,{i}\n" for i in range(11))
    assert from_csv("", many).classes == [], "more than ten integers are numbers to predict"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("\n \n", "the file is empty"),
        ("a,b,c\n1,2,3\n1,two,3\n", "line 3, column 'b': 'two' is not a number"),
        ("a;b;c\n1,5;2;3\n", "'1,5' is not a number; write decimals with a point"),
        ("a,b,c\n1,nan,3\n", "line 2, column 'b': 'nan' is not a number"),
        ("a,b,c\n1,inf,3\n", "line 2, column 'b': 'inf' is not a number"),
        ("a,b,c\n1,1_0,3\n", "'1_0' is not a number"),
        ("a,b,c\n1,,3\n", "line 2, column 'b': '' is not a number"),
        ("a,b,c\n1,2,3\n1,2\n", "line 3 has 2 cells, and line 1 has 3"),
        ("a\n1\n2\n", "line 1 has 1 columns"),
        ("a,kind\n1,x\n2,y\n", "classes are told apart in a plane"),
        ("1,2,0.5\n1,2,0.7\n1,2,x\n", "line 3, the target: 'x' is not a number"),
        ("1,2,a\n1,2,b\n1,2,\n", "line 3: the target, its last cell, is empty"),
        ("0,0,1\n" * 2001, "there are more than 2000 rows"),
        ("".join(f"0,0,c{i}\n" for i in range(11)), "11 different classes"),
        ('a,b,"c\n1,2,3\n', "line 2: unexpected end of data"),
        ("a,b,c\n1,2," + "x" * 300, "line 2 has a cell of more than 200 characters"),
        (",".join(["0"] * 66), "line 1 has 66 columns"),
        ("a,b,\0\n", "line"),
    ],
)
def test_what_is_wrong_with_a_csv_file(text: str, says: str) -> None:
    made = Session()
    before = made.trained
    with pytest.raises(ValueError, match=says):
        made.run("csv", {"name": "a.csv", "text": text})
    assert made.trained is before


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((np.ones(3), np.ones(3)), r"takes inputs \(n, k\), k from 1 to 256"),
        ((np.ones((3, 2)), np.array(["a", "b", "c"])), "targets are classes, integers"),
        ((np.ones((3, 2)), np.array([0, 1, -1])), "classes are integers 0 to 1"),
        ((np.full((3, 2), np.nan), np.zeros(3, int)), "the data hold NaN or infinity"),
        ((np.ones((2001, 2)), np.zeros(2001, int)), "takes 1 to 2000"),
        ((np.ones((20, 2)), np.arange(20)), "20 different classes"),
    ],
)
def test_what_is_wrong_with_data(data: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        from_data(data)


# -------------------------------------------------------------------- the server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = nn.playground(browser=False, block=False)
    yield made
    made.close()


def asked(
    server: Server, path: str, body: Any = b"{}", method: str = "POST", **changes: Any
) -> tuple[int, Any, Any]:
    """Status, headers and content; a change of None leaves a header out."""
    host = f"127.0.0.1:{server.server_port}"
    headers = {
        "Host": host, "Origin": f"http://{host}", "X-Playground-Token": server.token,
        "Content-Type": "application/json", "Content-Length": str(len(body)),
    }  # fmt: skip
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        if value is not None:
            connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    is_json = response.headers["Content-Type"] == "application/json"
    return response.status, response.headers, json.loads(content) if is_json else content


def test_a_command(server: Server) -> None:
    status, headers, frame = asked(server, "/api/train", b'{"steps": 5}')
    assert (status, frame["step"]) == (200, 5)
    assert headers["Cache-Control"] == "no-store"
    status, _, content = asked(server, "/api/train", b'{"steps": -5}')
    assert (status, content) == (400, {"error": "steps must be a positive integer, not -5"})


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"Host": "evil.example"}, 403, "this Host is not the playground's address"),
        ({"Host": "127.0.0.1:1"}, 403, "this Host"),
        ({"Host": None}, 403, "this Host"),
        ({"Origin": "http://evil.example"}, 403, "this Origin is another page"),
        ({"Origin": "null"}, 403, "this Origin"),
        ({"Origin": "https://127.0.0.1"}, 403, "this Origin"),
        ({"Origin": None}, 403, "needs the Origin"),
        ({"X-Playground-Token": None}, 401, "open the address that the terminal printed"),
        ({"X-Playground-Token": "wrong"}, 401, "open the address"),
        ({"X-Playground-Token": "ÿ"}, 401, "open the address"),
        ({"Content-Type": "text/plain"}, 415, "commands are application/json"),
        ({"Content-Length": None}, 411, "needs its Content-Length"),
        ({"Content-Length": "-1"}, 411, "needs its Content-Length"),
        ({"Content-Length": "²"}, 411, "needs its Content-Length"),
        ({"Content-Length": str(MOST_BYTES + 1)}, 413, "at most 2,000,000 bytes"),
        ({"Content-Length": "9" * 5000}, 413, "at most"),
    ],
)
def test_what_is_refused(server: Server, changes: Any, status: int, says: str) -> None:
    before = server.session.trained.step
    given, headers, content = asked(server, "/api/train", b'{"steps": 1}', **changes)
    assert given == status
    assert says in content["error"]
    assert headers["Connection"] == "close"
    assert server.session.trained.step == before


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "the body is not JSON"),
        (b'{"steps": NaN}', "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[1]", "the body must be a JSON object"),
        (b'{"steps": "5"}', "steps must be a positive integer, not '5'"),
        (b'{"steps": 1, "more": 2}', "unexpected keyword argument 'more'"),
    ],
)
def test_bodies_that_are_no_commands(server: Server, body: bytes, says: str) -> None:
    status, _, content = asked(server, "/api/train", body)
    assert status == 400
    assert says in content["error"]


@pytest.mark.parametrize("path", ["/api/__init__", "/api/run", "/api/", "/train", "/api/../state"])
def test_commands_that_are_none(server: Server, path: str) -> None:
    assert asked(server, path)[0] == 404


@pytest.mark.parametrize("path", ["/server.py", "/../server.py", "/web/main.js", "/api/state"])
def test_only_the_pages_files_are_served(server: Server, path: str) -> None:
    assert asked(server, path, method="GET")[0] == 404


def test_the_pages_files(server: Server) -> None:
    assert {"/", "/style.css", "/main.js"} < server.files.keys()
    for path in server.files:
        status, headers, content = asked(
            server, path, b"", method="GET", X_Playground_Token=None, Origin=None
        )
        assert status == 200
        assert server.token.encode() not in content, "pages are for all, commands are not"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        content = content.replace(b"http://www.w3.org/2000/svg", b"")  # a name, never fetched
        assert not re.search(rb"(https?:)?//[a-z0-9.]+\.[a-z]{2,}", content)
    assert asked(server, "/", b"", method="GET", Host="evil.example")[0] == 403
    assert asked(server, "/", b"", method="GET", Origin="http://evil.example")[0] == 403


def test_other_methods_are_not_supported(server: Server) -> None:
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD"):
        assert asked(server, "/api/state", method=method)[0] == 501


def test_it_listens_to_this_machine_only(server: Server) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.url == f"http://127.0.0.1:{server.server_port}/#{server.token}"
    assert len(server.token) >= 43


def test_what_a_model_raises_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    class Moody(nn.Module):
        def __init__(self) -> None:
            self.layer, self.calls = nn.Dense(2, 2), 0

        def forward(self, x: Any) -> Any:
            self.calls += 1
            if self.calls > 10:
                raise KeyError("enough")
            return self.layer(x)

    server = nn.playground(Moody(), browser=False, block=False)
    status, _, content = asked(server, "/api/train", b'{"steps": 100}')
    assert (status, content) == (500, {"error": "KeyError: 'enough'; the terminal shows where"})
    assert 'raise KeyError("enough")' in capsys.readouterr().err
    assert asked(server, "/")[0] == 404, "it goes on"
    server.close()


def test_the_users_own_model_is_trained_and_the_generator_left_alone() -> None:
    nn.manual_seed(5)
    model = nn.MLP(2, [4], 2)
    drawn = nn.init.generator().bit_generator.state
    before = model.state_dict()
    data = nn.datasets.moons(50, seed=0)
    server = nn.playground(model, (data.x, data.y), browser=False, block=False)
    assert asked(server, "/api/train", b'{"steps": 5}')[0] == 200
    server.close()
    assert not np.array_equal(model.state_dict()["0.weight"], before["0.weight"])
    assert nn.init.generator().bit_generator.state == drawn


def test_nn_loads_no_server_before_it_is_asked_for() -> None:
    code = "import sys, nn; print('http.server' in sys.modules, callable(nn.playground))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "False True\n", done.stderr


# -------------------------------------------------------------------- the command line


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("a,b,kind\n0,1,x\n1,0,y\n1,1,x\n2,1,y\n3,3,x\n")
    (tmp_path / "mine.py").write_text("import nn\n\ndef make():\n    return nn.MLP(2, [3], 2)\n")
    options = ["--no-browser", "--data", "points.csv", "--model", "mine.py:make"]
    with subprocess.Popen(
        [sys.executable, "-m", "nn.playground", *options],
        cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process, contextlib.ExitStack() as ending:  # fmt: skip
        ending.callback(process.kill)  # else a failure would wait for it forever
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127.0.0.1:(\d+)/#(\S+)", line)
        assert found, line
        process.stdout.readline()
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
        headers = {
            "Origin": f"http://127.0.0.1:{found[1]}",
            "X-Playground-Token": found[2],
            "Content-Type": "application/json",
        }
        connection.request("POST", "/api/state", b"{}", headers)
        state = json.loads(connection.getresponse().read())
        assert (state["inputs"], state["settings"]["network"]) == (["a", "b"], "own")
        process.send_signal(signal.SIGINT)  # with a connection that is still open
        out, err = process.communicate(timeout=20)
        connection.close()
    assert (process.returncode, err) == (0, "")
    assert "The playground is closed." in out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--data", "none.csv"], "No such file"),
        (["--model", "none.py:Net"], "--model is FILE.py:NAME"),
        (["--loss", "mse", "--port", "99999"], "port"),
    ],
)
def test_mistakes_on_the_command_line(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from nn.playground.__main__ import main

    with pytest.raises(SystemExit) as ended:
        main(["--no-browser", *options])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
