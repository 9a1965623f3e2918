"""cli/training_progress: what the line says of a training, from its start to its end."""

from snn_deploy.cli.training_progress import _Epochs

MEANS = {"train_accuracy": 0.5, "loss/cross_entropy": 1.25, "spike_rate/conv1": 0.1}


def test_the_bar_is_of_the_epoch_and_what_is_left_of_the_run():
    shown = _Epochs()
    assert shown.parts().title == "getting ready"
    shown.start(2)
    assert shown.parts().title.startswith("first batch")  # which compiles: no 0 %
    assert shown.parts().share is None
    shown.reached(1, 1, 4, MEANS)
    assert (shown.parts().title, shown.parts().share, shown.parts().count) == ("epoch 1/2", 0.25, "1/4")
    assert shown.parts().more == "cross_entropy 1.2500  training 50.00 %"
    shown.reached(1, 4, 4, MEANS)
    assert shown.parts().title == "epoch 1/2: measuring"
    shown.end_epoch(1)
    shown.reached(2, 1, 4, MEANS)
    assert (shown.parts().title, shown.parts().share) == ("epoch 2/2", 0.25)


def test_nothing_stale_stays_behind_the_last_epoch_and_the_next_training_begins_anew():
    shown = _Epochs()
    shown.start(1)
    shown.reached(1, 4, 4, MEANS)
    shown.end_epoch(1)
    assert shown.parts() is None
    shown.start(3)
    assert shown.parts().title.startswith("first batch")
    shown.reached(1, 2, 4, MEANS)
    assert shown.parts().title == "epoch 1/3"
