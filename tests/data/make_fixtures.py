#!/usr/bin/env python3
"""Writes the files in fixtures/ with nibabel, tifffile, h5py, Pillow, mrcfile and numpy, so that the tests read what others write.

The files are committed: tests need no Python. To make them again:
    python3 -m venv VENV && VENV/bin/pip install numpy nibabel tifffile imagecodecs h5py pillow mrcfile pynrrd simpleitk
    VENV/bin/python tests/data/make_fixtures.py
Every voxel has a value that its place gives (see ramp), which foreign_files_test.cpp computes again.
"""
import json
import pathlib
import struct

import h5py
import mrcfile
import nibabel
import numpy as np
import tifffile
from PIL import Image

OUT = pathlib.Path(__file__).parent / "fixtures"
TYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]


def ramp(shape, dtype):
    """(7 * index + 3) % 101, minus 50 for signed types, halved for floats; index counts in C order."""
    values = (7 * np.arange(np.prod(shape)) + 3) % 101
    kind = np.dtype(dtype).kind
    if kind in "if":
        values = values - 50
    if kind == "f":
        values = values / 2
    return values.astype(dtype).reshape(shape)


AFFINE = np.array([[-2.0, 0, 0, 90], [0, 1.5, 0.25, -126], [0, -0.25, 3.0, -72], [0, 0, 0, 1]])


def nifti(name, array, image_class=nibabel.Nifti1Image, header=None, slope=None, inter=None, units=("mm", "sec")):
    """`array` is [T] Z Y X; nibabel wants i j k [t]."""
    image = image_class(array.T, AFFINE, header=header, dtype=array.dtype)
    image.header.set_xyzt_units(*units)
    image.header["descrip"] = b"a fixture"
    if array.ndim >= 4:
        image.header["pixdim"][4] = 2.5
    nibabel.save(image, OUT / name)
    if slope is not None:  # nibabel rescales when it saves: set the fields in the bytes, the voxels stay
        path = OUT / name
        data = bytearray(path.read_bytes())
        data[112:120] = np.array([slope, inter], "<f4").tobytes()
        path.write_bytes(data)


def make_nifti():
    for dtype in TYPES:
        nifti(f"{dtype}.nii", ramp((3, 5, 7), dtype))
    big = nibabel.Nifti1Header(endianness=">")
    nifti("big_int16.nii", ramp((3, 5, 7), "int16"), header=big)
    nifti("big_float64.nii", ramp((3, 5, 7), "float64"), header=big)
    nifti("second_int16.nii.gz", ramp((3, 5, 7), "int16"), nibabel.Nifti2Image)
    nifti("second_big_float32.nii", ramp((3, 5, 7), "float32"), nibabel.Nifti2Image, nibabel.Nifti2Header(endianness=">"))
    nifti("time_int16.nii.gz", ramp((4, 3, 5, 7), "int16"), units=("micron", "msec"))
    nifti("slope_uint8.nii", ramp((3, 5, 7), "uint8"), slope=0.5, inter=-3)
    nifti("slope_nan.nii", ramp((3, 5, 7), "int16"), slope=np.nan, inter=np.nan)
    nifti("slope_zero.nii", ramp((3, 5, 7), "int16"), slope=0, inter=5)
    extended = nibabel.Nifti1Image(ramp((3, 5, 7), "int16").T, AFFINE)
    extended.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"kept in the output"))
    nibabel.save(extended, OUT / "extension.nii.gz")
    pair = nibabel.Nifti1Pair(ramp((3, 5, 7), "int16").T, AFFINE)
    nibabel.save(pair, OUT / "pair.hdr")
    (OUT / "pair.img").unlink()
    nifti("complex.nii", ramp((3, 5, 7), "float32").astype("complex64"))


def make_tiff():
    for dtype in TYPES:
        tifffile.imwrite(OUT / f"{dtype}.tif", ramp((3, 5, 7), dtype), photometric="minisblack", metadata=None)
    ramp16 = ramp((3, 40, 37), "uint16")
    plain = dict(photometric="minisblack", metadata=None)
    for name in ["lzw", "deflate", "packbits", "zstd", "lzma"]:
        tifffile.imwrite(OUT / f"{name}.tif", ramp16, compression=name, **plain)
    tifffile.imwrite(OUT / "predictor.tif", ramp16, compression="deflate", predictor=True, byteorder=">", **plain)
    tifffile.imwrite(OUT / "float_predictor.tif", ramp((3, 40, 37), "float32"), compression="deflate", predictor=3, **plain)
    tifffile.imwrite(OUT / "strips.tif", ramp16, rowsperstrip=7, **plain)
    tifffile.imwrite(OUT / "tiles.tif", ramp16, tile=(16, 32), **plain)
    tifffile.imwrite(OUT / "big_endian.tif", ramp16[:, :5, :7].copy(), byteorder=">", **plain)
    tifffile.imwrite(OUT / "bigtiff.tif", ramp((3, 5, 7), "int32"), bigtiff=True, **plain)
    tifffile.imwrite(OUT / "rgb.tif", ramp((5, 7, 3), "uint8"), photometric="rgb", metadata=None)
    tifffile.imwrite(OUT / "rgb_planar.tif", ramp((3, 5, 7), "uint8"), photometric="rgb", planarconfig="separate", metadata=None)
    tifffile.imwrite(OUT / "rgb_tiles.tif", ramp((20, 37, 3), "uint16"), photometric="rgb", tile=(16, 16), compression="lzw", metadata=None)
    spacing = dict(spacing=0.75, unit="um", finterval=2.5)
    micron = dict(imagej=True, resolution=(1 / 0.25, 1 / 0.5))
    tifffile.imwrite(OUT / "imagej.tif", ramp((4, 3, 2, 5, 7), "uint16"), metadata=dict(axes="TZCYX", **spacing), **micron)
    tifffile.imwrite(OUT / "imagej_z.tif", ramp((3, 5, 7), "float32"), metadata=dict(axes="ZYX", **spacing), byteorder=">", **micron)
    truncate = ramp((3, 5, 7), "uint16")
    tifffile.imwrite(OUT / "imagej_one_directory.tif", truncate, metadata=dict(axes="ZYX", **spacing), truncate=True, byteorder=">", **micron)
    ome = dict(axes="TCZYX", PhysicalSizeX=0.25, PhysicalSizeY=0.5, PhysicalSizeZ=0.75, PhysicalSizeXUnit="µm", PhysicalSizeYUnit="µm", PhysicalSizeZUnit="µm")
    tifffile.imwrite(OUT / "ome.tif", ramp((4, 2, 3, 5, 7), "uint8"), ome=True, metadata=ome, photometric="minisblack")
    tifffile.imwrite(OUT / "one_bit.tif", ramp((5, 8), "uint8") > 50, photometric="minisblack", metadata=None)
    with tifffile.TiffWriter(OUT / "uneven.tif") as writer:
        writer.write(ramp((5, 7), "uint8"), metadata=None)
        writer.write(ramp((6, 7), "uint8"), metadata=None)


OME = """<?xml version="1.0" encoding="UTF-8"?>
<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:{uuid}">{body}</OME>"""


def ome_pixels(data, order="XYZCT", sizes=dict(Z=3, C=2, T=2), name="image", spacing=""):
    sizes = " ".join(f'Size{axis}="{n}"' for axis, n in sizes.items())
    return (f'<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" DimensionOrder="{order}" Type="uint8" SizeX="7" SizeY="5" '
            f'{sizes} {spacing}>{data}</Pixels></Image>')


def pages(name, planes, description="", **options):
    """One directory for each plane; `description` in the first."""
    with tifffile.TiffWriter(OUT / name) as writer:
        for i, plane in enumerate(planes):
            writer.write(plane, description=description if i == 0 else "", metadata=None, photometric="minisblack", contiguous=False,
                         **options)


def make_ome():
    """Orders and distributions of planes that writers of OME-TIFF use; all hold ramp((2, 2, 3, 5, 7)), T C Z Y X."""
    array = ramp((2, 2, 3, 5, 7), "uint8")
    planes = array.reshape(12, 5, 7)
    order = np.random.default_rng(1).permutation(12)
    place = {int(plane): directory for directory, plane in enumerate(order)}
    scrambled = "".join(f'<TiffData IFD="{place[t * 6 + c * 3 + z]}" FirstZ="{z}" FirstC="{c}" FirstT="{t}" PlaneCount="1"/>'
                        for t in range(2) for c in range(2) for z in range(3))
    um = 'PhysicalSizeX="0.25" PhysicalSizeY="0.5" PhysicalSizeZ="750" PhysicalSizeXUnit="&#181;m" PhysicalSizeZUnit="nm" TimeIncrement="2.5"'
    pages("ome_scrambled.ome.tif", planes[order], OME.format(uuid="a", body=ome_pixels(scrambled, spacing=um)))
    runs = '<TiffData IFD="6" FirstT="0" PlaneCount="6"/><TiffData FirstT="1" PlaneCount="6"/>'
    pages("ome_runs.ome.tif", np.concatenate([planes[6:], planes[:6]]), OME.format(uuid="a", body=ome_pixels(runs)))
    pages("ome_bare.ome.tif", array.transpose(2, 0, 1, 3, 4).reshape(12, 5, 7),
          OME.format(uuid="a", body=ome_pixels("<TiffData/>", order="XYCTZ")))
    two = ome_pixels('<TiffData IFD="0" PlaneCount="3"/>', sizes=dict(Z=3, C=1, T=1), name="first")
    two += ome_pixels('<TiffData IFD="3" PlaneCount="3"/>', sizes=dict(Z=3, C=1, T=1), name="second")
    pages("ome_two.ome.tif", planes[:6], OME.format(uuid="a", body=two))
    names = ["ome_part0.ome.tif", "ome_part1.ome.tif"]
    parts = "".join(f'<TiffData IFD="{i}" FirstZ="{i % 3}" FirstC="{i // 3}" FirstT="{t}"><UUID FileName="{name}">urn:uuid:{t}</UUID>'
                    '</TiffData>' for t, name in enumerate(names) for i in range(6))
    pages(names[0], planes[:6], OME.format(uuid="0", body=ome_pixels(parts)))
    (OUT / "ome_companion.ome").write_text(OME.format(uuid="c", body=ome_pixels(parts)))
    pages(names[1], planes[6:], OME.format(uuid="1", body='<BinaryOnly MetadataFile="ome_companion.ome" UUID="urn:uuid:c"/>'))
    renamed = ome_pixels('<TiffData IFD="0" PlaneCount="12"><UUID FileName="before.ome.tif">urn:uuid:x</UUID></TiffData>')
    pages("ome_renamed.ome.tif", planes, OME.format(uuid="y", body=renamed))
    pages("ome_short.ome.tif", planes[:9], OME.format(uuid="a", body=ome_pixels('<TiffData IFD="0" PlaneCount="9"/>')))
    for name in ("ome_scrambled", "ome_runs", "ome_bare", "ome_part0", "ome_renamed"):
        assert np.array_equal(tifffile.imread(OUT / f"{name}.ome.tif").reshape(array.shape) if name != "ome_bare" else array, array), name


def make_tiff_dialects():
    """tifffile's shapes, MetaMorph, Zeiss and ScanImage."""
    array = ramp((2, 4, 3, 5, 7), "uint16")
    tifffile.imwrite(OUT / "shaped_named.tif", array[0], metadata={"axes": "TZYX"}, photometric="minisblack")
    tifffile.imwrite(OUT / "shaped_unnamed.tif", array[0], photometric="minisblack")
    with tifffile.TiffWriter(OUT / "shaped_two.tif") as writer:
        writer.write(array[0, 0], photometric="minisblack")
        writer.write(array[0, 1, :2], photometric="minisblack")

    # A MetaMorph stack: one directory, whose strip the other planes follow. UIC2: per plane distance (rational) and four words.
    planes = array[0, :, 0]
    uic2 = b"".join(struct.pack("<6I", 0 if i == 0 else 3, 4, 0, 0, 0, 0) for i in range(4))
    rationals = struct.pack("<4I", 1, 4, 1, 2)  # x and y calibration
    text = struct.pack("<I", 2) + b"um"
    size = planes.nbytes
    at = 8 + size
    uic1 = struct.pack("<6I", 4, at + len(uic2), 5, at + len(uic2) + 8, 6, at + len(uic2) + 16)
    extras = uic2 + rationals + text + uic1
    entries = [(254, 4, 1, 0), (256, 4, 1, 7), (257, 4, 1, 5), (258, 3, 1, 16), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
               (277, 3, 1, 1), (278, 4, 1, 5), (279, 4, 1, size // 4), (33628, 4, 3, at + len(uic2) + 16 + 6), (33629, 5, 4, at)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    data = struct.pack("<2sHI", b"II", 42, at + len(extras)) + planes.tobytes() + extras + directory
    (OUT / "metamorph.stk").write_bytes(data)
    assert np.array_equal(tifffile.imread(OUT / "metamorph.stk"), planes)

    # An LSM file: channels as samples, a thumbnail behind each plane.
    info = bytearray(520)
    struct.pack_into("<Ii5i", info, 0, 0x0400494C, 520, 7, 5, 3, 2, 4)
    struct.pack_into("<3d", info, 40, 0.25e-6, 0.5e-6, 0.75e-6)
    with tifffile.TiffWriter(OUT / "zeiss.lsm") as writer:
        for t in range(4):
            for z in range(3):
                tag = [(34412, 1, len(info), bytes(info), True)] if t == z == 0 else []
                options = dict(metadata=None, photometric="minisblack", contiguous=False, planarconfig="separate", extratags=tag)
                writer.write(array[:, t, z], **options)
                writer.write(np.zeros((2, 2, 2), "uint8"), subfiletype=1, metadata=None, photometric="minisblack", contiguous=False,
                             planarconfig="separate")

    # ScanImage: channels fastest; in fast volumes two planes of each are flyback.
    si = "SI.VERSION_MAJOR = 2018\nSI.hChannels.channelSave = [1;3]\nSI.hFastZ.enable = {fast}\nSI.hStackManager.numSlices = 3\n"
    fast = array.transpose(1, 2, 0, 3, 4)  # T Z C
    flyback = np.concatenate([fast, np.zeros_like(fast[:, :2])], axis=1)
    pages("scanimage_fast.tif", flyback.reshape(-1, 5, 7),
          si.format(fast="true") + "SI.hStackManager.numFramesPerVolumeWithFlyback = 5\n", software="SI.LINE_FORMAT_VERSION = 1")
    slow = array.transpose(2, 1, 0, 3, 4)  # Z T C
    pages("scanimage_slow.tif", slow.reshape(-1, 5, 7), si.format(fast="false"))


def make_png():
    Image.fromarray(ramp((5, 7), "uint8")).save(OUT / "grey8.png")
    Image.fromarray((ramp((5, 7), "uint16") * 600).astype("uint16")).save(OUT / "grey16.png")
    Image.fromarray(ramp((5, 7, 3), "uint8")).save(OUT / "rgb.png")
    Image.fromarray(np.repeat(ramp((5, 7, 1), "uint8"), 3, axis=2)).save(OUT / "grey_as_rgb.png")
    Image.fromarray(ramp((5, 7, 2), "uint8")).save(OUT / "grey_alpha.png")
    Image.fromarray(ramp((5, 7), "uint8") > 50).save(OUT / "one_bit.png")
    palette = Image.fromarray((ramp((5, 7), "uint8") % 4).astype("uint8"), mode="P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    palette.save(OUT / "palette.png")


def make_hdf5():
    with h5py.File(OUT / "types.h5", "w", libver="earliest") as file:
        for dtype in TYPES + ["float16", ">i2", ">f8"]:
            file[f"by_type/{dtype.replace('>', 'big_')}"] = ramp((3, 5, 7), dtype)
        file["text"] = "not numbers"
        file["vector"] = np.arange(4)
        file["flags"] = np.ones((2, 3), bool)
    with h5py.File(OUT / "one.h5", "w") as file:
        options = dict(chunks=(2, 3, 4), compression="gzip", shuffle=True, fletcher32=True)
        data = file.create_dataset("volumes/raw", data=ramp((3, 5, 7), "uint16"), **options)
        data.attrs["element_size_um"] = [0.75, 0.5, 0.25]
        file["labels"] = np.arange(4)
    for name, shape in {"two": (5, 7), "four": (4, 3, 5, 7), "five": (4, 2, 3, 5, 7)}.items():
        with h5py.File(OUT / f"{name}.h5", "w", libver="latest") as file:
            file["data"] = ramp(shape, "int16")
    with h5py.File(OUT / "named.h5", "w") as file:  # the same voxels, with axes named in three ways
        voxels = ramp((4, 3, 5, 7), "int16")
        labelled = file.create_dataset("labels", data=voxels)
        for dimension, name in zip(labelled.dims, "czyx"):
            dimension.label = name
        tagged = file.create_dataset("ilastik", data=np.moveaxis(voxels, 0, -1))
        tagged.attrs["axistags"] = json.dumps({"axes": [{"key": k, "typeFlags": 2} for k in "zyxc"]})
        scaled = file.create_dataset("netcdf", data=voxels)
        for i, name in enumerate(("time", "z", "y", "x")):
            file[name] = np.arange(voxels.shape[i], dtype=float)
            file[name].make_scale(name)
            scaled.dims[i].attach_scale(file[name])
    with h5py.File(OUT / "external.h5", "w") as file:
        file.create_dataset("data", (3, 5, 7), "uint8", external=[("somewhere_else.bin", 0, 105)])


def make_packed():
    """Numbers that are not the values themselves: as netCDF packs them, and as MINC 2 gives each slice a range."""
    with h5py.File(OUT / "packed.h5", "w") as file:
        for name, attributes in {"slope": dict(scale_factor=np.float32(0.5), add_offset=np.array([10.0])),
                                 "missing": dict(_FillValue=np.int16(-50), scale_factor=2.0)}.items():
            file.create_dataset(name, data=ramp((3, 5, 7), "int16")).attrs.update(attributes)
        file.create_dataset("unsigned", data=ramp((3, 5, 7), "int8")).attrs["_Unsigned"] = "true"
        file.create_dataset("t00001/s00/0/cells", data=ramp((3, 5, 7), "int16"))
        file.create_dataset("floats", data=ramp((3, 5, 7), "float32")).attrs["add_offset"] = 10.0

    # (file, type, shape, names of the dimensions, dimensions that have ranges of their own, valid range)
    for name, dtype, shape, names, ranges, valid in (
            ("minc_one.mnc", "uint16", (3, 5, 7), "zspace,yspace,xspace", 0, (0, 1000)),
            ("minc_slices.mnc", "uint8", (3, 5, 7), "xspace,zspace,yspace", 1, (10, 90)),
            ("minc_times.mnc", "int16", (2, 3, 5, 7), "time,zspace,yspace,xspace", 2, None),
            ("minc_float.mnc", "float32", (3, 5, 7), "zspace,yspace,xspace", 1, None)):
        stored = ramp(shape, dtype)
        low = np.arange(np.prod(shape[:ranges], dtype=int), dtype=float).reshape(shape[:ranges]) / 8
        high = 2 * low + 3
        with h5py.File(OUT / name, "w") as file:
            image = file.create_dataset("minc-2.0/image/0/image", data=stored)
            image.attrs["dimorder"] = np.bytes_(names)
            if valid:
                image.attrs["valid_range"] = np.array(valid, float)
            for end, values in (("min", low), ("max", high)):
                file.create_dataset(f"minc-2.0/image/0/image-{end}", data=values).attrs["dimorder"] = np.bytes_(",".join(names.split(",")[:ranges]))
            for i, dimension in enumerate(names.split(",")):
                attributes = file.create_dataset(f"minc-2.0/dimensions/{dimension}", data=0).attrs
                attributes.update(step=(-0.5 if dimension == "xspace" else 1.5 + i), start=0.0, length=np.int32(shape[i]),
                                  spacing=np.bytes_("regular__"), units=np.bytes_("mm"))
        # nibabel reads it as the test does.
        first, last = valid or (np.iinfo(dtype).min, np.iinfo(dtype).max) if stored.dtype.kind != "f" else (0, 1)
        spread = (...,) + (None,) * (len(shape) - ranges)
        expected = (np.clip(stored.astype(float), first, last) - first) / (last - first) * (high - low)[spread] + low[spread]
        assert np.allclose(nibabel.load(OUT / name).get_fdata(), stored if stored.dtype.kind == "f" else expected), name


def mrc(name, array, images=False, extended=None):
    with mrcfile.new(OUT / name, overwrite=True) as file:
        file.set_data(array)
        if images:
            file.set_image_stack()
        file.voxel_size = (5, 10, 15)  # x, y, z in angstrom
        file.header.origin = (1, 2, 3)
        if extended is not None:
            file.set_extended_header(extended)


def make_mrc():
    for name, dtype in [("mode0.mrc", "int8"), ("mode1.mrc", "int16"), ("mode1_big.mrc", ">i2"), ("mode2.map", "float32"),
                        ("mode2_big.mrc", ">f4"), ("mode6.st", "uint16"), ("mode12.rec", "float16")]:
        mrc(name, ramp((3, 5, 7), dtype))
    mrc("volumes.mrc", ramp((4, 3, 5, 7), "int16"))
    mrc("image_stack.mrc", ramp((3, 5, 7), "uint16"), images=True)
    mrc("extended.mrc", ramp((3, 5, 7), "int16"), extended=np.frombuffer(bytes(range(64)), "V64"))


def make_npy():
    for dtype in TYPES:
        array = ramp((3, 5, 7), dtype)
        np.save(OUT / f"{dtype}.npy", array)
        np.save(OUT / f"big_{dtype}.npy", array.astype(array.dtype.newbyteorder(">")))
        np.save(OUT / f"fortran_{dtype}.npy", np.asfortranarray(array))
    np.save(OUT / "float16.npy", ramp((3, 5, 7), "float16"))
    np.save(OUT / "plane_fortran.npy", np.asfortranarray(ramp((5, 7), "uint8")))
    np.save(OUT / "bool.npy", np.array([[False, True, True], [False, True, False]]))
    for version in (2, 3):
        with open(OUT / f"version{version}.npy", "wb") as file:
            np.lib.format.write_array(file, ramp((3, 5, 7), "int16"), version=(version, 0))


def make_nrrd():
    import nrrd
    import SimpleITK
    for dtype in ("uint8", "int16", "uint32", "int64", "float32", "float64"):
        nrrd.write(str(OUT / f"nrrd_{dtype}.nrrd"), ramp((3, 5, 7), dtype), {"encoding": "raw"}, index_order="C")
    array = ramp((3, 5, 7), "uint16")
    nrrd.write(str(OUT / "nrrd_gzip.nrrd"), array, {"encoding": "gzip"}, index_order="C")
    nrrd.write(str(OUT / "nrrd_bzip2.nrrd"), array, {"encoding": "bzip2"}, index_order="C")
    nrrd.write(str(OUT / "nrrd_big.nrrd"), array.astype(">u2"), {"encoding": "raw", "endian": "big"}, index_order="C")
    nrrd.write(str(OUT / "nrrd_detached.nhdr"), array, {"encoding": "raw"}, detached_header=True, index_order="C")
    nrrd.write(str(OUT / "nrrd_detached_gzip.nhdr"), array, {"encoding": "gzip"}, detached_header=True, index_order="C")
    four = ramp((4, 3, 5, 7), "int16")
    nrrd.write(str(OUT / "nrrd_unknown.nrrd"), four, {"encoding": "raw"}, index_order="C")
    nrrd.write(str(OUT / "nrrd_time.nrrd"), four, {"encoding": "gzip", "kinds": ["domain", "domain", "domain", "time"]}, index_order="C")
    nrrd.write(str(OUT / "nrrd_vectors.nrrd"), ramp((3, 5, 7, 2), "int16"), {"encoding": "raw", "kinds": ["vector"] + 3 * ["domain"]},
               index_order="C")
    SimpleITK.WriteImage(itk(array), str(OUT / "nrrd_itk.nrrd"), useCompression=False)
    assert np.array_equal(nrrd.read(str(OUT / "nrrd_itk.nrrd"), index_order="C")[0], array)


def itk(array, vectors=False):
    import SimpleITK
    image = SimpleITK.GetImageFromArray(array, isVector=vectors)
    if not vectors and array.ndim == 3:
        image.SetSpacing((0.25, 0.5, 0.75))
        image.SetOrigin((1, 2, 3))
    return image


def make_metaimage():
    import SimpleITK
    for dtype in ("uint8", "int16", "uint32", "int64", "float32", "float64"):
        SimpleITK.WriteImage(itk(ramp((3, 5, 7), dtype)), str(OUT / f"meta_{dtype}.mha"))
    array = itk(ramp((3, 5, 7), "uint16"))
    SimpleITK.WriteImage(array, str(OUT / "meta_compressed.mha"), useCompression=True)
    SimpleITK.WriteImage(array, str(OUT / "meta_detached.mhd"))
    SimpleITK.WriteImage(array, str(OUT / "meta_detached_compressed.mhd"), useCompression=True)
    SimpleITK.WriteImage(itk(ramp((3, 5, 7, 2), "int16"), vectors=True), str(OUT / "meta_vectors.mha"))
    SimpleITK.WriteImage(itk(ramp((4, 3, 5, 7), "int16")), str(OUT / "meta_four.mha"))


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    make_nifti()
    make_tiff()
    make_ome()
    make_tiff_dialects()
    make_png()
    make_hdf5()
    make_packed()
    make_mrc()
    make_npy()
    make_nrrd()
    make_metaimage()
    print(sum(path.stat().st_size for path in OUT.iterdir()), "bytes")
