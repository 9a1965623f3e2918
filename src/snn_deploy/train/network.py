"""Network: a network in training, of either method."""

from snn_deploy.train.spiking_network import SpikingNetwork
from snn_deploy.train.time_based_network import TimeBasedNetwork

Network = SpikingNetwork | TimeBasedNetwork
