"""BG/NBD: the published figures, recovery of known parameters, the formulas, the graph, impossible histories."""

import numpy as np
import onnxruntime as ort
import purchase_expectations
import pytest
from scipy.optimize import check_grad

from revlayer_training.graph import Graph
from revlayer_training.purchasing import bg_nbd
from revlayer_training.purchasing.bg_nbd import BgNbd
from revlayer_training.purchasing.histories import Histories
from revlayer_training.purchasing.quadrature import DropoutNodes

PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426)
CUTOFF, WEEKS = np.datetime64("1997-09-30"), 39


def simulated(customers: int, model: BgNbd, weeks: float, seed: int) -> tuple[Histories, np.ndarray, np.ndarray]:
    """Customers of the model's own story, whether each is alive at the end, and purchases in the 52 weeks after."""
    rng = np.random.default_rng(seed)
    rates = rng.gamma(model.r, 1 / model.alpha, customers)
    leaving = rng.beta(model.a, model.b, customers)
    ages = rng.uniform(0.5, 1, customers) * weeks
    rows = []
    for rate, leave, age in zip(rates, leaving, ages, strict=True):
        now, repeats, last, later, alive_then = 0.0, 0, 0.0, 0, True
        while True:
            now += rng.exponential(1 / max(rate, 1e-12))
            if now > age + 52:
                break
            if now <= age:
                repeats, last = repeats + 1, now
            else:
                later += 1
            if rng.random() < leave:
                alive_then = now > age
                break
        rows.append((repeats, last, age, alive_then, later))
    x, last, age, alive, later = np.array(rows, float).T
    return Histories(x, last, age, np.ones(customers)), alive, later


@pytest.fixture(scope="module")
def sample(test_data):
    """The tenth of CDNOW that the papers fit: histories to the cut-off, and order days of the 39 weeks after."""
    rows = np.loadtxt(test_data / "cdnow" / "CDNOW_sample.txt", usecols=(1, 2))
    customers = rows[:, 0].astype(int)
    text = np.char.mod("%d", rows[:, 1].astype(int))
    days = np.array([f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in text], "datetime64[D]")
    histories, later = [], []
    for customer in np.unique(customers):
        own = np.unique(days[customers == customer])
        past = own[own <= CUTOFF]
        histories.append((len(past), (past[-1] - past[0]).astype(int), (CUTOFF - past[0]).astype(int)))
        later.append(len(own) - len(past))
    order_days, between, since = np.array(histories, np.float64).T
    return Histories.of_days(order_days, between, since), np.array(later)


def test_published_parameters(sample):
    found = BgNbd.fit(sample[0])
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx((0.243, 4.414, 0.793, 2.426), abs=0.0005)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)


def test_published_forecast(sample):
    histories, later = sample
    forecast = BgNbd.fit(histories).expected_purchases(histories, WEEKS)
    assert np.sqrt(np.mean((forecast - later) ** 2)) == pytest.approx(1.608, abs=0.0005)
    assert forecast.sum() / later.sum() - 1 == pytest.approx(-0.121, abs=0.0005)


def test_known_parameters_are_found_again():
    truth = BgNbd(0.6, 6.0, 0.8, 2.5)
    histories, alive, later = simulated(6000, truth, 78.0, seed=3)
    found = BgNbd.fit(histories)
    assert found.log_likelihood >= truth.log_likelihood_of(histories)
    assert (found.r, found.alpha) == pytest.approx((truth.r, truth.alpha), rel=0.1)
    assert found.a / (found.a + found.b) == pytest.approx(truth.a / (truth.a + truth.b), rel=0.1)
    probability = found.alive_probability(histories)
    assert probability.mean() == pytest.approx(alive.mean(), abs=0.02)
    for low, high in ((0.2, 0.6), (0.6, 0.9)):
        rows = (probability >= low) & (probability < high)
        assert probability[rows].mean() == pytest.approx(alive[rows].mean(), abs=0.06)
    assert found.expected_purchases(histories, 52).sum() == pytest.approx(later.sum(), rel=0.06)


def test_gradient_is_that_of_the_likelihood():
    histories, _, _ = simulated(200, PUBLISHED, 39.0, seed=1)
    for parameters in ((0.243, 4.414, 0.793, 2.426), (1.5, 20.0, 0.2, 0.4), (0.05, 0.5, 5.0, 9.0)):
        error = check_grad(
            lambda values: bg_nbd._negative(values, histories)[0],
            lambda values: bg_nbd._negative(values, histories)[1],
            np.array(parameters),
        )
        size = np.linalg.norm(bg_nbd._negative(np.array(parameters), histories)[1])
        assert error < 1e-5 * max(size, 1.0)


@pytest.mark.parametrize(
    "parameters", [(0.243, 4.414, 0.793, 2.426), (1.0, 1.0, 1.0, 1.0), (5.0, 10.0, 8.0, 20.0), (0.1, 0.5, 2.5, 0.2),
                   (2.0, 30.0, 40.0, 100.0), (0.5, 5.0, 0.05, 50.0), (0.3, 7.0, 8000.0, 100000.0)],
)  # fmt: skip
@pytest.mark.parametrize("weeks", [1.0, 39.0, 400.0])
def test_expected_purchases_are_the_models(parameters, weeks):
    model = BgNbd(*parameters)
    repeats = np.array([0.0, 1, 2, 7, 40, 300])
    age = np.array([3.0, 39, 39, 60, 100, 200])
    histories = Histories(repeats, np.where(repeats > 0, age * 0.8, 0.0), age, np.ones(6))
    wanted = [
        purchase_expectations.expected_purchases(weeks, x, recency, t, *parameters)
        for x, recency, t in zip(repeats, histories.recency, age, strict=True)
    ]
    np.testing.assert_allclose(model.expected_purchases(histories, weeks), wanted, rtol=1e-5)


def test_the_graph_computes_the_same():
    nodes = DropoutNodes.of(0.793, 2.426, 50)
    columns = {"repeats": np.array([0, 1, 5, 50.0]), "rate": np.array([0.243, 1.243, 5.243, 50.243]),
               "elapsed": np.array([0.01, 0.9, 4.0, 1.0])}  # fmt: skip
    graph = Graph(["repeats", "rate", "elapsed"], [])
    wide = [graph.add("Cast", graph.number(name), to=11) for name in columns]
    narrow = graph.add("Cast", nodes.add_nodes(graph, *wide), to=1)
    session = ort.InferenceSession(graph.serialize({"purchases": (narrow, 1)}))
    numeric = np.column_stack(list(columns.values())).astype(np.float32)
    (found,) = session.run(["purchases"], {"numeric": numeric})
    wanted = nodes.purchases_while_alive(*numeric.astype(np.float64).T)
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-6)


def test_equal_histories_are_counted_once():
    histories, _, _ = simulated(500, PUBLISHED, 39.0, seed=5)
    rounded = Histories(histories.repeats, histories.recency.round(), histories.age.round(), histories.customers)
    distinct, index = rounded.distinct()
    assert len(distinct) < len(rounded)
    assert distinct.customers.sum() == 500
    np.testing.assert_array_equal(distinct.age[index], rounded.age)
    assert PUBLISHED.log_likelihood_of(distinct) == pytest.approx(PUBLISHED.log_likelihood_of(rounded), rel=1e-12)


@pytest.mark.parametrize(
    ("order_days", "between", "since"), [(0, 0, 5), (1, 3, 2), (2, -1, 5), (float("nan"), 0, 5), (1, 0, float("inf"))]
)
def test_impossible_histories_are_refused(order_days, between, since):
    with pytest.raises(ValueError, match="purchase history"):
        Histories.of_days(np.array([order_days]), np.array([between]), np.array([since]))


@pytest.mark.parametrize("repeats", [0.0, 1.0])
def test_nothing_to_fit(repeats):
    """Nobody repeated; or everybody's history is a single day."""
    age = 10.0 if repeats == 0 else 0.0
    with pytest.raises(ValueError, match="purchased twice"):
        BgNbd.fit(Histories(np.full(5, repeats), np.zeros(5), np.full(5, age), np.ones(5)))
