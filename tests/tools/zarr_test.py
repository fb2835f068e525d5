#!/usr/bin/env python3
"""Zarr folders: what zarr-python and ome-zarr-py wrote (tests/data/make_zarr_fixtures.py) is read, what is written is read by
zarr-python where it is installed, and damage is an error.

usage: zarr_test.py N2S    (the program)
"""
import json, math, os, random, shutil, subprocess, tarfile, unittest

from program import ProgramTest, read_npy

FIXTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'fixtures', 'zarr.tar.gz')
SHAPE = (5, 20, 33)
VALUES = [(1000 * z + 33 * y + 7 * x) % 4001 for z in range(5) for y in range(20) for x in range(33)]
READER = '''
import sys, zarr
a = zarr.open(sys.argv[1], mode='r')
print(a.dtype.str, *a.shape)
print(*a[:].ravel().tolist())
'''


class Zarr(ProgramTest):
    def setUp(self):
        super().setUp()
        with tarfile.open(FIXTURES) as archive:
            archive.extractall(self.folder.name)

    def values(self, name, *words):
        """Through a copy in a format that is checked elsewhere."""
        out = self.path('copy.npy')
        self.json_of('corrupt', self.path(name), '-o', out, '--noise', 'gaussian:1e-9', '--force', *words)
        shape, values = read_npy(out)
        return shape, [round(v, 4) for v in values]

    def files_below(self, name):
        return sorted(os.path.join(folder, f) for folder, _, files in os.walk(self.path(name)) for f in files)

    def test_arrays_of_both_versions(self):
        for name in ('v2_raw', 'v2_gzip', 'v2_zlib', 'v2_zstd_f', 'v2_blosc_lz4', 'v2_blosc_bit', 'v2_slash', 'v2_big', 'v3_default',
                     'v3_gzip_crc', 'v3_blosc', 'v3_shard', 'v3_shard_raw', 'v3_transpose', 'v3_big'):
            self.assertEqual(self.values(name), (SHAPE, VALUES), name)
        for found, value in zip(self.values('v3_f2')[1], VALUES):
            self.assertAlmostEqual(found, value / 64, delta=0.02)  # half precision
        present = [3 if z < 2 and y < 8 and x < 16 else -7 for z in range(5) for y in range(20) for x in range(33)]
        self.assertEqual(self.values('v3_missing'), (SHAPE, present))

    def test_packed_integers_become_their_values(self):
        """As xarray packs them: value = stored * scale_factor + add_offset."""
        packing = {'scale_factor': 0.25, 'add_offset': -100}
        for name, file in (('v2_raw', '.zattrs'), ('v2_zstd_f', '.zattrs'), ('v3_default', 'zarr.json'), ('v3_missing', 'zarr.json')):
            plain = self.values(name)[1]
            with open(os.path.join(self.path(name), file)) as f:
                metadata = json.load(f)
            (metadata if file == '.zattrs' else metadata.setdefault('attributes', {})).update(packing)
            with open(os.path.join(self.path(name), file), 'w') as f:
                json.dump(metadata, f)
            self.assertEqual(self.values(name), (SHAPE, [v / 4 - 100 for v in plain]), name)
        self.json_of('nlm', self.path('v2_raw'), '-o', self.path('out.zarr'))
        self.assertEqual(self.json_of('info', self.path('out.zarr'))['type'], 'float32')

    def test_images_with_their_metadata(self):
        for name in ('ome04.ome.zarr', 'ome05.ome.zarr', 'ome04.ome.zarr/', os.path.join('series.zarr', '1')):
            shape, values = self.values(name)
            self.assertEqual((shape, values), ((2, *SHAPE), VALUES + [v + 100 for v in VALUES]), name)
            text = self.run_n2s('info', self.path(name)).stdout
            for part in ('C=2 Z=5 Y=20 X=33', 'uint16', 'micron'):
                self.assertIn(part, text)
            self.assertEqual(self.json_of('inspect', self.path(name), '--channel', '0')['spacing'], '3 x 0.5 x 0.25 micron (Z, Y, X)')
        self.assertEqual(self.values('series.zarr', '--series', '0')[0], (2, *SHAPE))
        self.assertEqual(self.values(os.path.join('ome04.ome.zarr', 's0'), '--axes', 'CZYX')[0], (2, *SHAPE))
        smaller = self.run_n2s('info', self.path('ome05.ome.zarr'), '--dataset', 's1')
        self.assertTrue('Y=10' in smaller.stdout or 'too small' in smaller.stderr, smaller)

    def test_what_cannot_be_read_is_named(self):
        for name, words, says in (
                ('v2_lzma', (), ['lzma', 'blosc, zstd or gzip']), ('plate.zarr', (), ['plate of 2 wells', 'A/1']),
                ('series.zarr', (), ['2 images', '--series']), ('series.zarr', ('--series', '2'), ['--series 2']),
                ('ome04.ome.zarr', ('--dataset', '7'), ['--dataset 7', 's0']), ('ome05.ome.zarr', ('--series', '1'), ['--series 1', 'one image']), ('unnamed', (), ['--axes'])):
            self.fails('corrupt', self.path(name), '-o', self.path('out.npy'), '--noise', 'gaussian:1', *words, says=[name.split('/')[0], *says])
        self.fails('denoise', self.path('v2_raw'), self.noisy, '-o', self.path('out.nii'), says=['not a model'])

    def test_a_restored_image_keeps_shape_type_and_metadata(self):
        out = self.path('out.ome.zarr')
        self.json_of('restore', self.path('ome05.ome.zarr'), '-o', out, '--steps', '2', '--crop', '16', '--batch', '2', '--channels', 'joint')
        with open(os.path.join(out, '.zattrs')) as f:
            multiscale = json.load(f)['multiscales'][0]
        self.assertEqual(multiscale['version'], '0.4')
        self.assertEqual([axis['name'] for axis in multiscale['axes']], ['c', 'z', 'y', 'x'])
        self.assertEqual(multiscale['datasets'][0]['coordinateTransformations'][0]['scale'], [1, 3, 0.5, 0.25])
        self.assertEqual(self.values('out.ome.zarr')[0], (2, *SHAPE))
        with open(os.path.join(out, '0', '.zarray')) as f:
            self.assertEqual(json.load(f)['dtype'], '<u2')

    def test_written_folders_are_read_by_zarr_python(self):
        probe = subprocess.run(['/usr/bin/python3', '-c', 'import zarr'], capture_output=True)
        if probe.returncode != 0:
            self.skipTest('zarr-python is not installed')
        for extra, dtype in (('--keep-type', '<u2'), ('--quiet', '<f4')):
            out = self.path('out.zarr')
            self.run_n2s('corrupt', self.path('v2_raw'), '-o', out, '--noise', 'gaussian:1e-9', '--force', extra)
            lines = subprocess.run(['/usr/bin/python3', '-c', READER, os.path.join(out, '0')], capture_output=True, text=True).stdout.splitlines()
            self.assertEqual(lines[0], f'{dtype} 5 20 33')
            self.assertEqual([round(float(v), 4) for v in lines[1].split()], VALUES)

    def test_the_old_folder_stays_until_the_new_one_is_complete(self):
        out = self.path('out.zarr')
        words = ('corrupt', self.path('v2_raw'), '-o', out, '--noise', 'gaussian:1e-9')
        self.json_of(*words)
        self.fails(*words, says=['out.zarr', '--force'])
        self.json_of(*words, '--force')
        self.assertEqual(self.values('out.zarr'), (SHAPE, VALUES))
        self.json_of('corrupt', out, '-o', out, '--noise', 'gaussian:1e-9', '--force')  # in place
        self.assertEqual(self.values('out.zarr'), (SHAPE, VALUES))
        other = self.path('other.zarr')
        os.mkdir(other)
        with open(os.path.join(other, 'thesis.tex'), 'w'):
            pass
        self.fails(*words[:3], other, *words[4:], '--force', says=['other.zarr', 'other things'])
        self.assertEqual(os.listdir(other), ['thesis.tex'])
        # An error midway: the last chunk is damaged.
        with open(self.files_below('v3_gzip_crc')[-2], 'r+b') as f:
            f.write(b'damage')
        before = sorted(self.files_below('out.zarr'))
        self.fails('corrupt', self.path('v3_gzip_crc'), '-o', out, '--noise', 'gaussian:1', '--force', says=['damaged'])
        self.assertEqual(sorted(self.files_below('out.zarr')), before)
        self.assertEqual([n for n in os.listdir(self.folder.name) if n.endswith('.tmp')], [])

    def test_damaged_folders_are_errors_or_images(self):
        draw = random.Random(11)
        names = [n for n in sorted(os.listdir(self.folder.name)) if os.path.isdir(self.path(n)) and n != 'series.zarr']
        for i in range(150):
            name = draw.choice(names)
            mutant = self.path('mutant.zarr')
            shutil.rmtree(mutant, ignore_errors=True)
            shutil.copytree(self.path(name), mutant)
            files = self.files_below('mutant.zarr')
            metadata = [f for f in files if os.path.basename(f).startswith(('.z', 'zarr.json'))]
            path = draw.choice(metadata if draw.random() < 0.6 else files)
            with open(path, 'rb') as f:
                data = bytearray(f.read())
            for _ in range(draw.randint(1, 3)):
                at = draw.randrange(len(data))
                kind = draw.randrange(4)
                if kind == 0:
                    data[at] = draw.randrange(256)
                elif kind == 1:
                    data[at:at + 1] = draw.choice([b'9999999999', b'-1', b'0', b'null', b'[', b'"', b'../../x', b'1e400'])
                elif kind == 2:
                    del data[at:at + draw.randint(1, 40)]
                    data = data or bytearray(b'x')
                else:
                    data[at:at] = data[at // 2:at]
            with open(path, 'wb') as f:
                f.write(data)
            done = self.run_n2s('corrupt', mutant, '-o', self.path('out.npy'), '--noise', 'gaussian:1', '--force', '--quiet', timeout=60)
            self.assertIn(done.returncode, (0, 1), (name, path, done.stderr))
            self.assertEqual(done.stderr.count('\n'), done.returncode, (name, path, done.stderr))


unittest.main(verbosity=1)
