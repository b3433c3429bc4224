"""Whether paths exist that were read from files: any text at all, which `pathlib` may raise at.

A name that is too long, or that holds a NUL, is the name of nothing. These are also several times as fast
as `Path`'s, which counts where there are a hundred thousand photos.
"""

from __future__ import annotations

import os

exists = os.path.exists
is_file = os.path.isfile
is_folder = os.path.isdir
