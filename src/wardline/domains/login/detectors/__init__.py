"""All detectors of logins: every module of this folder that defines a Detector named like its file.

    ALL  ->  (<class Travel>, …), cheap before dear

A new detector is three files (the module, its test, its page) and no line here.
"""

import sys
from typing import Any

from wardline.engine.detector import Detector, discover

ALL: tuple[type[Detector[Any]], ...] = discover(sys.modules[__name__], "login.")
