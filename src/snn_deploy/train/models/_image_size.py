"""_image_size: which image sizes get the layers that the papers describe for ImageNet, and which those for CIFAR."""

GUESSED_LEAST_LARGE = 96  # pixels; between CIFAR10-DVS (48) and ImageNet (224): the papers use nothing in between


def is_large(input_shape: tuple[int, ...]) -> bool:
    """Whether images of `input_shape` (channels, height, width) get the layers that ImageNet gets."""
    return min(input_shape[1:], default=0) >= GUESSED_LEAST_LARGE
