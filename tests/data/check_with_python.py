#!/usr/bin/env python3
"""Do files that the project writes open right in nibabel, tifffile, h5py, Pillow, mrcfile and numpy?

Usage: check_with_python.py PATH/TO/data_test              (from the repository's root)
tools/scripts/setup installs the packages.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py
import mrcfile
import nibabel
import numpy as np
import tifffile
from PIL import Image

from make_fixtures import OUT, TYPES, ramp


def same(name, found, expected):
    assert found.dtype.newbyteorder("=") == expected.dtype, f"{name}: {found.dtype}, not {expected.dtype}"
    assert found.shape == expected.shape, f"{name}: {found.shape}, not {expected.shape}"
    assert np.array_equal(found, expected), f"{name}: other values"


def close(name, found, expected):
    assert np.allclose(found, expected, rtol=1e-6), f"{name}: {found}, not {expected}"


def check_types(folder):
    for dtype in TYPES:
        expected = ramp((3, 5, 7), dtype)
        for extension in [".nii", ".nii.gz"]:
            image = nibabel.load(folder / f"{dtype}{extension}")
            same(image.get_filename(), np.asanyarray(image.dataobj).T, expected)
            close("spacing", image.header.get_zooms(), (0.25, 0.5, 0.75))
            assert image.header.get_xyzt_units()[0] == "micron"
        same(f"{dtype}.tif", tifffile.imread(folder / f"{dtype}.tif"), expected)
        with h5py.File(folder / f"{dtype}.h5") as file:
            same(f"{dtype}.h5", file["data"][()], expected)
            close("spacing", file["data"].attrs["element_size_um"], (0.75, 0.5, 0.25))


def check_tiff(folder):
    for name in ["hyperstack.tif", "big.tif"]:
        with tifffile.TiffFile(folder / name) as file:
            assert file.is_imagej and file.is_bigtiff == (name == "big.tif")
            assert file.series[0].axes == "TZCYX", file.series[0].axes
            same(name, file.asarray(), ramp((4, 3, 2, 5, 7), "uint16"))
            assert len(file.pages) == 24
            same(name, np.stack([page.asarray() for page in file.pages]).ravel(), ramp((840,), "uint16"))
            offsets = [page.dataoffsets[0] for page in file.pages]
            assert set(np.diff(offsets)) == {70}, "ImageJ needs planes in one piece"
            tags = file.pages[0].tags
            for tag, pixels in [("XResolution", 4), ("YResolution", 2)]:
                close(tag, tags[tag].value[0] / tags[tag].value[1], pixels)
            described = file.imagej_metadata
            assert described["unit"] == "micron" and described["spacing"] == 0.75 and described["finterval"] == 2.5


def check_kept_headers(folder):
    for name in ["big_int16.nii", "second_big_float32.nii", "slope_uint8.nii", "extension.nii.gz"]:
        ours, theirs = nibabel.load(folder / f"copy_{name}"), nibabel.load(OUT / name)
        assert type(ours) is type(theirs) and ours.header == theirs.header, name
        close(name, ours.affine, theirs.affine)
        close(name, ours.get_fdata(), theirs.get_fdata())
        assert [e.get_content() for e in ours.header.extensions] == [e.get_content() for e in theirs.header.extensions]
    one, film = nibabel.load(folder / "one_time.nii.gz"), nibabel.load(OUT / "time_int16.nii.gz")
    close("one_time", one.affine, film.affine)
    close("one_time", one.get_fdata(), film.get_fdata()[..., 0])
    assert one.header.get_xyzt_units() == film.header.get_xyzt_units()


def check_rest(folder):
    large = nibabel.load(folder / "large.nii")
    assert isinstance(large, nibabel.Nifti2Image)
    same("large.nii", np.asanyarray(large.dataobj).T, ramp((1, 2, 40000), "uint8"))
    with h5py.File(folder / "hyperstack.h5") as file:
        same("hyperstack.h5", file["data"][()], ramp((4, 3, 2, 5, 7), "uint16").transpose(0, 2, 1, 3, 4))
        assert file["data"].chunks and file["data"].compression == "gzip"
    same("grey16.png", np.array(Image.open(folder / "grey16.png")).astype("uint16"), ramp((5, 7), "uint16"))
    same("panel.png", np.array(Image.open(folder / "panel.png")), np.arange(105, dtype="uint8").reshape(5, 7, 3))


def check_mrc(folder):
    for dtype in ["int8", "int16", "uint16", "float16", "float32"]:
        path = folder / f"{dtype}.mrc"
        assert mrcfile.validate(path), f"{path.name} is no valid MRC file"
        with mrcfile.open(path) as file:
            same(path.name, file.data, ramp((3, 5, 7), dtype))
            close("voxel size", file.voxel_size.tolist(), (5, 10, 15))
    assert mrcfile.validate(folder / "film.mrc")
    with mrcfile.open(folder / "film.mrc") as file:
        assert file.is_volume_stack()
        same("film.mrc", file.data, ramp((4, 3, 5, 7), "int16"))


def check_npy(folder):
    for dtype in TYPES:
        same(f"{dtype}.npy", np.load(folder / f"{dtype}.npy", allow_pickle=False), ramp((3, 5, 7), dtype))
    same("float16.npy", np.load(folder / "float16.npy", allow_pickle=False), ramp((5, 7), "float16"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        environment = dict(os.environ, N2S_SAMPLE_FILES=name)
        subprocess.run([sys.argv[1], "-tc=*samples for check_with_python.py"], check=True, env=environment)
        for check in [check_types, check_tiff, check_kept_headers, check_rest, check_mrc, check_npy]:
            check(pathlib.Path(name))
            print(check.__name__, "passed")
