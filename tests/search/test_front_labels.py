"""Points of the front have labels that tell them apart."""

from snn_deploy.search.front import labels
from snn_deploy.search.point import Point
from snn_deploy.search.settings import Deployment


def test_what_differs_is_in_the_label_and_what_all_share_is_not():
    first = Deployment((("model.layers", "8-10"),), 4, 8, "scalar", "loihi1")
    second = Deployment((("model.layers", "8-10"),), 4, 8, "scalar", "loihi2")
    third = Deployment((("model.layers", "16-10"),), 4, 8, "per-channel", "loihi2", fitted_cores=3)
    points = [Point(d, {"cores": 3.0}) for d in (first, second, third)]
    assert list(labels(points[:2]).values()) == ["T 4, 8 bit, loihi1", "T 4, 8 bit, loihi2"]
    assert list(labels(points).values()) == [
        "T 4, 8 bit, loihi1, scalar, model.layers=8-10",
        "T 4, 8 bit, loihi2, scalar, model.layers=8-10",
        "T 4, 8 bit, 3 cores, loihi2, per-channel, model.layers=16-10",
    ]
    assert list(labels(points[:1]).values()) == ["T 4, 8 bit"]
    assert labels([]) == {}
