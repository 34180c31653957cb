"""The law of an install's revenue beside scipy and random draws, and one spelling of texts, both in a graph too."""

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import norm

from revlayer_training.graph import Graph
from revlayer_training.install_law import OUTPUTS, RevenueLaw
from revlayer_training.install_segments import credible
from revlayer_training.preprocessing import Texts
from revlayer_training.spelling import UNSEEN, Spelling

LAW = RevenueLaw(0.1, 1.3, 2.4)


@pytest.mark.identity
@given(margin=st.floats(-12, 6), mu=st.floats(-3, 6), sigma=st.floats(0.0, 2.5))
def test_quantiles_are_those_of_the_law(margin, mu, sigma):
    p, found = expit(margin), RevenueLaw(0.0, sigma, 1.5).apply(np.array([margin]), np.array([mu]))
    assert found["payer_probability"][0] == pytest.approx(p)
    assert found["revenue"][0] == pytest.approx(p * np.exp(mu) * 1.5)
    before = 0.0
    for name, q in zip(OUTPUTS[2:], (0.5, 0.9, 0.99), strict=True):
        of_payers, quantile = 1 - (1 - q) / p, found[name][0]
        assert quantile >= before
        if of_payers <= 0:
            assert quantile == pytest.approx(0, abs=1e-9)
        elif of_payers >= 0.05:
            assert np.log(quantile) == pytest.approx(mu + sigma * norm.ppf(of_payers), abs=0.01 * sigma + 1e-6)
        before = quantile


def test_mean_and_quantiles_are_those_of_random_draws():
    random, count = np.random.default_rng(1), 400_000
    found = RevenueLaw(0.0, 1.2, float(np.exp(0.72))).apply(np.array([-1.0]), np.array([2.0]))
    paid = random.random(count) < expit(-1.0)
    amount = np.where(paid, np.exp(2 + 1.2 * random.standard_normal(count)), 0.0)
    assert found["revenue"][0] == pytest.approx(amount.mean(), rel=0.02)
    for name, q in zip(OUTPUTS[2:], (0.5, 0.9, 0.99), strict=True):
        assert found[name][0] == pytest.approx(np.quantile(amount, q), rel=0.03, abs=1e-9)


def test_the_law_is_taken_from_payers():
    random = np.random.default_rng(2)
    mu = random.normal(1, 0.5, 50_000)
    law = RevenueLaw.fit(mu, np.exp(mu + 0.3 + 1.1 * random.standard_normal(len(mu))))
    assert (law.shift, law.sigma, law.smearing) == pytest.approx((0.3, 1.1, np.exp(1.1**2 / 2)), rel=0.05)
    assert RevenueLaw.fit(np.empty(0), np.empty(0)) == RevenueLaw(0.0, 0.0, 1.0)


def test_a_graph_says_the_same():
    margin, mu = (column.ravel() for column in np.meshgrid(np.linspace(-11, 4, 120), np.linspace(-2, 5, 20)))
    graph = Graph(["margin", "mu"], [])
    shown = LAW.add_nodes(graph, graph.number("margin"), graph.number("mu"))
    session = ort.InferenceSession(graph.serialize({name: (tensor, 1) for name, tensor in shown.items()}))
    inputs = np.column_stack([margin, mu]).astype(np.float32)
    wanted = LAW.apply(*inputs.T.astype(np.float64))
    for name, values in zip(OUTPUTS, session.run(list(OUTPUTS), {"numeric": inputs}), strict=True):
        assert np.allclose(values[:, 0], wanted[name], rtol=2e-5, atol=2e-5 * wanted["revenue"].std()), name


def test_texts_in_one_spelling():
    spelling = Spelling.fit(Texts.of(["ios", "android", None, "é"]), [("iphone os", "ios"), ("watch", "watchos")])
    written = ["iOS", " IOS", "ios ", " iPhone OS", "", None, "  ios", "Android", "É", "é", "watch", "x"]
    wanted = ["ios", "ios", "ios", "ios", "", "", UNSEEN, "android", UNSEEN, "é", UNSEEN, UNSEEN]
    assert spelling.transform(Texts.of(written)).values().tolist() == wanted
    graph = Graph([], ["platform"])
    named = spelling.add_nodes(graph, graph.text("platform"))
    codes = {name: float(place) for place, name in enumerate(sorted(set(wanted)))}
    number = graph.add("LabelEncoder", named, domain="ai.onnx.ml", keys_strings=list(codes),
                       values_floats=list(codes.values()), default_float=-1.0)  # fmt: skip
    session = ort.InferenceSession(graph.serialize({"code": (number, 1)}))
    column = np.array([[text or ""] for text in written], object)
    (found,) = session.run(["code"], {"categorical": column})
    assert found[:, 0].tolist() == [codes[name] for name in wanted]


def test_small_segments_are_drawn_to_the_mean():
    random = np.random.default_rng(3)
    names = ["large"] * 5000 + ["small"] * 5 + ["other"] * 5000
    values = np.concatenate([random.normal(2, 1, 5000), random.normal(9, 1, 5), random.normal(0, 1, 5000)])
    segments = Texts.of(names)
    found = dict(zip(segments.names, credible(segments, values, float(values.mean())), strict=True))
    assert found["large"] == pytest.approx(2, abs=0.1) and found["other"] == pytest.approx(0, abs=0.1)
    assert values.mean() < found["small"] < 9
    alike = credible(segments, random.normal(0, 1, len(names)), 0.0)
    assert np.abs(alike).max() < 0.05
