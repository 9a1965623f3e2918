"""Where --data NAME:PATH leads."""

import numpy as np
import pytest

from snn_deploy.api import sources as inputs
from snn_deploy.support.user_error import UserError


def test_the_path_is_the_first_option_of_the_data_set(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (10, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=np.arange(10))
    samples = inputs.test_samples({}, f"npz_file:{tmp_path / 'mine.npz'}", 1)
    np.testing.assert_array_equal(samples.inputs, images[[4], None])


def test_a_path_for_data_that_have_none_is_a_users_mistake():
    with pytest.raises(UserError, match=r"data 'digits': no key 'folder'"):
        inputs.test_samples({}, "digits:somewhere", 0)


def test_data_that_need_a_path_say_so():
    with pytest.raises(UserError, match="folder: is missing"):
        inputs.test_samples({}, "image_folder", 0)
