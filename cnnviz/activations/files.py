"""Feature maps as a file."""

import io
import zipfile
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt


def npz(maps: Mapping[str, npt.NDArray[np.float32]]) -> bytes:
    """Maps as NumPy's archive, each under its layer's path, whatever that is called."""
    # numpy.savez takes names as keywords, of which some are its own ('file')
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, values in maps.items():
            with archive.open(f"{path}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, values, allow_pickle=False)
    return data.getvalue()
