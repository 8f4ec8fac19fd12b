"""Where in our own code an error arose: what a log may say of a failure besides its class.

    where(error)  -> "point.py:212"

File and line, never the message of the error, which could quote what it failed on.
"""

from pathlib import PurePath


def where(error: BaseException) -> str:
    """File name and line of the innermost frame; "" for an error that was never raised."""
    trace, found = error.__traceback__, ""
    while trace is not None:
        found = f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
