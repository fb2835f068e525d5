#!/usr/bin/env python3
"""Writes fixtures/zarr.tar.gz, Zarr folders as zarr-python and ome-zarr-py write them.

Not run by the tests. To make it anew:
    python3 -m venv VENV && VENV/bin/pip install zarr==3.1.6 ome-zarr==0.18 numcodecs numpy
    VENV/bin/python tests/data/make_zarr_fixtures.py
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numcodecs
import numpy
import zarr
from ome_zarr.format import FormatV04, FormatV05
from ome_zarr.io import parse_url
from ome_zarr.writer import write_image
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, GzipCodec, TransposeCodec

OUT = pathlib.Path(__file__).parent / 'fixtures' / 'zarr.tar.gz'
SHAPE = (5, 20, 33)

z, y, x = numpy.indices(SHAPE)
VALUES = ((1000 * z + 33 * y + 7 * x) % 4001).astype('u2')
NUMBERS = {'_ARRAY_DIMENSIONS': ['z', 'y', 'x']}


def version2(folder):
    for name, chunks, compressor, more in (
            ('v2_raw', (2, 8, 16), None, {}),
            ('v2_gzip', SHAPE, numcodecs.GZip(), {}),
            ('v2_zlib', (2, 20, 10), numcodecs.Zlib(), {}),
            ('v2_zstd_f', (2, 8, 16), numcodecs.Zstd(), {'order': 'F'}),
            ('v2_blosc_lz4', (3, 7, 9), numcodecs.Blosc('lz4'), {}),
            ('v2_blosc_bit', (3, 7, 9), numcodecs.Blosc('zstd', shuffle=2), {}),
            ('v2_slash', (3, 7, 9), None, {'chunk_key_encoding': {'name': 'v2', 'separator': '/'}}),
            ('v2_big', (3, 7, 9), None, {'dtype': '>u2'}),
            ('v2_lzma', SHAPE, numcodecs.LZMA(), {})):
        more = {'dtype': 'u2', **more}
        array = zarr.create_array(folder / name, shape=SHAPE, chunks=chunks, compressors=compressor, zarr_format=2,
                                  attributes=NUMBERS, **more)
        array[:] = VALUES


def version3(folder):
    for name, dtype, more in (
            ('v3_default', 'u2', {}),
            ('v3_gzip_crc', 'u2', {'compressors': [GzipCodec(), Crc32cCodec()]}),
            ('v3_blosc', 'f4', {'compressors': BloscCodec(cname='lz4hc', shuffle='bitshuffle')}),
            ('v3_shard', 'u2', {'chunks': (1, 4, 8), 'shards': (4, 8, 16)}),
            ('v3_shard_raw', 'u2', {'chunks': (1, 4, 8), 'shards': (4, 8, 16), 'compressors': None}),
            ('v3_transpose', 'u2', {'filters': [TransposeCodec(order=(2, 0, 1))]}),
            ('v3_f2', 'f2', {}),
            ('v3_big', 'u2', {'serializer': BytesCodec(endian='big')})):
        more = {'chunks': (2, 8, 16), **more}
        array = zarr.create_array(folder / name, shape=SHAPE, dtype=dtype, zarr_format=3, dimension_names=['z', 'y', 'x'], **more)
        array[:] = VALUES / 64 if dtype == 'f2' else VALUES
    array = zarr.create_array(folder / 'v3_missing', shape=SHAPE, dtype='i2', chunks=(2, 8, 16), fill_value=-7, zarr_format=3,
                              dimension_names=['z', 'y', 'x'])
    array[0:2, 0:8, 0:16] = 3
    zarr.create_array(folder / 'unnamed', shape=(2, 3, 16, 16), dtype='u1', chunks=(1, 1, 16, 16), zarr_format=3)[:] = 1


def ome(folder):
    """Two channels, VALUES and VALUES + 100, with two resolution levels; scales as a microscope has them."""
    both = numpy.stack([VALUES, VALUES + 100]).astype('u2')
    axes = [{'name': 'c', 'type': 'channel'}] + [{'name': n, 'type': 'space', 'unit': 'micrometer'} for n in 'zyx']
    for name, ngff, version in (('ome04.ome.zarr', FormatV04(), 2), ('ome05.ome.zarr', FormatV05(), 3)):
        path = folder / name
        group = zarr.group(store=parse_url(str(path), mode='w', fmt=ngff).store, zarr_format=version)
        write_image(both, group, axes=axes, fmt=ngff, scale_factors=[2], storage_options={'chunks': (1, 2, 16, 16)})
        metadata = path / ('.zattrs' if version == 2 else 'zarr.json')
        content = json.loads(metadata.read_text())
        multiscale = (content if version == 2 else content['attributes']['ome'])['multiscales'][0]
        multiscale['axes'] = axes
        for i, level in enumerate(multiscale['datasets']):
            level['coordinateTransformations'] = [{'type': 'scale', 'scale': [1, 2.0, 0.5 * 2**i, 0.25 * 2**i]}]
        multiscale['coordinateTransformations'] = [{'type': 'scale', 'scale': [1, 1.5, 1, 1]}]
        metadata.write_text(json.dumps(content))


def group(folder, name, attributes):
    (folder / name).mkdir()
    (folder / name / '.zgroup').write_text(json.dumps({'zarr_format': 2}))
    (folder / name / '.zattrs').write_text(json.dumps(attributes))


def main():
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        version2(folder)
        version3(folder)
        ome(folder)
        group(folder, 'series.zarr', {'bioformats2raw.layout': 3})
        for i in range(2):
            shutil.copytree(folder / 'ome04.ome.zarr', folder / 'series.zarr' / str(i))
        group(folder, 'plate.zarr', {'plate': {'wells': [{'path': 'A/1'}, {'path': 'B/2'}]}})
        subprocess.run(['tar', 'czf', OUT, '--sort=name', '--mtime=2026-01-01', '--owner=0', '--group=0', *os.listdir(folder)],
                       cwd=folder, check=True)


main()
