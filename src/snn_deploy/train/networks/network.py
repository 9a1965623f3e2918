"""Network: a network in training, of either method."""

from snn_deploy.train.networks.spiking_network import SpikingNetwork
from snn_deploy.train.networks.time_based_network import TimeBasedNetwork

Network = SpikingNetwork | TimeBasedNetwork
