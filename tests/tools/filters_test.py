#!/usr/bin/env python3
"""n2s bm3d and n2s nlm: single images and stacks restored without training.

usage: filters_test.py N2S    (the program)
"""
import array, math, os, random, struct, unittest, zlib

from program import ProgramTest, nifti

SIDE = 48


def scene(p, r, c):
    return 100 + 40 * math.sin(r / 7 + p) + (60 if (r - 24) ** 2 + (c - 20) ** 2 < 150 else 0)


def png(path, rows):
    """Grey, 8 bits."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    raw = b''.join(b'\0' + bytes(row) for row in rows)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', len(rows[0]), len(rows), 8, 0, 0, 0, 0))
                   + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))


class Filters(ProgramTest):
    def setUp(self):
        super().setUp()
        draw = random.Random(2)
        self.noise = [[[draw.gauss(0, 10) for _ in range(SIDE)] for _ in range(SIDE)] for _ in range(5)]
        self.clean, self.noisy = self.path('clean.nii'), self.path('noisy.nii')
        nifti(self.clean, 5, SIDE, SIDE, scene)
        nifti(self.noisy, 5, SIDE, SIDE, lambda p, r, c: scene(p, r, c) + self.noise[p][r][c])

    def psnr(self, result, truth=None):
        return self.json_of('evaluate', result, truth or self.clean, '--range', '255')['psnr']

    def test_a_stack_is_restored_and_the_noise_is_reported(self):
        before = self.psnr(self.noisy)
        for verb, gain in (('bm3d', 6), ('nlm', 3)):
            out = self.path(verb + '.nii')
            report = self.json_of(verb, self.noisy, '-o', out)
            self.assertEqual(report['planes'], 5)
            self.assertEqual(report['noise'][0]['kind'], 'gaussian')
            self.assertTrue(report['noise'][0]['estimated'])
            self.assertAlmostEqual(report['noise'][0]['sigma'] / 10, 1, delta=0.1)
            self.assertGreater(self.psnr(out), before + gain)

    def test_each_plane_is_on_its_own_and_threads_do_not_matter(self):
        single, whole = self.path('single.nii'), self.path('whole.nii')
        nifti(self.path('plane.nii'), 1, SIDE, SIDE, lambda p, r, c: scene(3, r, c) + self.noise[3][r][c])
        for verb in ('bm3d', 'nlm'):
            self.run_n2s(verb, self.noisy, '-o', whole, '--sigma', '10', '--threads', '1', '--force')
            self.run_n2s(verb, self.path('plane.nii'), '-o', single, '--sigma', '10', '--threads', '3', '--force')
            with open(whole, 'rb') as a, open(single, 'rb') as b:
                all_planes, plane = a.read()[352:], b.read()[352:]
            size = SIDE * SIDE * 4
            self.assertEqual(all_planes[3 * size:4 * size], plane, verb)

    def test_nlm_across_planes_uses_the_neighbours(self):
        # Equal planes with independent noise.
        nifti(self.path('equal.nii'), 5, SIDE, SIDE, lambda p, r, c: scene(0, r, c) + self.noise[p][r][c])
        nifti(self.path('truth.nii'), 5, SIDE, SIDE, lambda p, r, c: scene(0, r, c))
        results = {}
        for name, options in (('alone', ()), ('across', ('--across',))):
            out = self.path(name + '.nii')
            self.run_n2s('nlm', self.path('equal.nii'), '-o', out, '--sigma', '10', '--patch', '5', '--distance', '3', *options)
            results[name] = self.psnr(out, self.path('truth.nii'))
        self.assertGreater(results['across'], results['alone'] + 2)

    def test_an_image_keeps_its_type_and_a_camera_s_noise_is_fitted(self):
        path, out = self.path('image.png'), self.path('out.png')
        png(path, [[min(255, max(0, round(scene(0, r, c) + self.noise[0][r][c]))) for c in range(SIDE)] for r in range(SIDE)])
        self.run_n2s('bm3d', path, '-o', out)
        self.assertIn('uint8', self.run_n2s('info', out).stdout)
        draw = random.Random(7)
        nifti(self.path('camera.nii'), 3, 96, 96,
              lambda p, r, c: (value := 20 + 2 * c) + math.sqrt(2 * value + 25) * draw.gauss(0, 1))
        nifti(self.path('ramp.nii'), 3, 96, 96, lambda p, r, c: 20 + 2 * c)
        report = self.json_of('bm3d', self.path('camera.nii'), '-o', self.path('camera-out.nii'), '--noise', 'poisson-gaussian')
        self.assertAlmostEqual(report['noise'][0]['gain'] / 2, 1, delta=0.15)
        self.assertGreater(self.psnr(self.path('camera-out.nii'), self.path('ramp.nii')),
                           self.psnr(self.path('camera.nii'), self.path('ramp.nii')) + 10)
        # By default it is noticed, and both filters do better than with one level for all.
        for verb in ('bm3d', 'nlm'):
            found = {}
            for name, words in (('camera', ()), ('gaussian', ('--noise', 'gaussian'))):
                result = self.path(f'{verb}-{name}.nii')
                self.assertEqual(self.json_of(verb, self.path('camera.nii'), '-o', result, *words)['noise'][0]['kind'],
                                 'gaussian' if words else 'poisson-gaussian')
                found[name] = self.psnr(result, self.path('ramp.nii'))
            self.assertGreater(found['camera'], found['gaussian'] + 0.5, verb)
        known = self.json_of('bm3d', self.path('camera.nii'), '-o', self.path('known.nii'), '--noise', 'poisson:2,gaussian:5')
        self.assertEqual(known['noise'][0], {'kind': 'poisson-gaussian', 'gain': 2, 'read_noise': 5, 'estimated': False})

    def test_a_dark_background_stays_dark(self):
        """Values that end at 0 have less noise there than a camera's line says; the background must not be lifted for it."""
        draw = random.Random(9)

        def events(mean):  # Knuth's method
            limit, product, count = math.exp(-mean), draw.random(), 0
            while product > limit:
                product *= draw.random()
                count += 1
            return count
        nifti(self.path('dark.nii'), 2, 96, 96, lambda p, r, c: 10 * events((4 if r < 48 else 4 + 3 * c) / 10))
        self.json_of('bm3d', self.path('dark.nii'), '-o', self.path('dark-out.nii'))
        with open(self.path('dark-out.nii'), 'rb') as file:
            voxels = array.array('f', file.read()[352:])
        background = voxels[:40 * 96]
        self.assertAlmostEqual(sum(background) / len(background), 4, delta=0.6)

    def test_hot_pixels_are_replaced_and_nan_stays(self):
        nifti(self.path('hot.nii'), 5, SIDE, SIDE, lambda p, r, c: 60000 if (p, r, c) == (2, 20, 30) else
              math.nan if (p, r, c) == (1, 5, 6) else scene(p, r, c) + self.noise[p][r][c])
        for verb in ('bm3d', 'nlm'):
            out = self.path('hot-out.nii')
            self.run_n2s(verb, self.path('hot.nii'), '-o', out, '--sigma', '10', '--force')
            with open(out, 'rb') as file:
                voxels = array.array('f', file.read()[352:])
            self.assertTrue(math.isnan(voxels[(SIDE + 5) * SIDE + 6]))
            self.assertLess(abs(voxels[(2 * SIDE + 20) * SIDE + 30] - scene(2, 20, 30)), 40)
            self.assertLess(max(v for v in voxels if not math.isnan(v)), 300)

    def test_what_makes_no_sense_is_refused_in_one_line(self):
        out = self.path('no.nii')
        nifti(self.path('constant.nii'), 2, SIDE, SIDE, lambda p, r, c: 5)
        for words in (('bm3d', self.noisy, '--sigma', '-3'), ('bm3d', self.noisy, '--sigma', 'much'),
                      ('bm3d', self.noisy, '--sigma', 'nan'), ('bm3d', self.noisy, '--noise', 'kspace:0.1'),
                      ('bm3d', self.noisy, '--noise', 'poisson-gaussian', '--sigma', '3'),
                      ('bm3d', self.path('constant.nii')), ('nlm', self.noisy, '--patch', '4'),
                      ('nlm', self.noisy, '--sigma', '0'), ('nlm', self.noisy, '--h', '5', '--noise', 'poisson-gaussian'),
                      ('bm3d', self.noisy + '.none')):
            self.fails(*words, '-o', out)
            self.assertFalse(os.path.exists(out))
        self.fails('nlm', self.noisy, '-o', out, '--h', '-1', code=2)
        self.fails('bm3d', self.noisy, '-o', self.clean)  # exists



unittest.main()
