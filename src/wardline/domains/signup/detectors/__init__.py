"""The detectors of sign-ups. One file each; ALL lists them."""

from typing import Any

from wardline.domains.signup.detectors.burst import Burst
from wardline.domains.signup.detectors.client import Client
from wardline.domains.signup.detectors.cluster import Cluster
from wardline.domains.signup.detectors.disposable import Disposable
from wardline.domains.signup.detectors.name import Name
from wardline.domains.signup.detectors.network import Network
from wardline.domains.signup.detectors.reuse import Reuse
from wardline.domains.signup.detectors.timing import Timing
from wardline.engine.detector import Detector

ALL: tuple[type[Detector[Any]], ...] = (Timing, Name, Disposable, Client, Network, Reuse, Burst, Cluster)
