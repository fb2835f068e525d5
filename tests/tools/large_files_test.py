#!/usr/bin/env python3
"""Files that are read and written a few planes at a time: the same results as in memory, and a peak of memory that does
not grow with the number of planes.

usage: large_files_test.py N2S    (the program)
"""
import array, os, random, subprocess, unittest

from program import N2S, ProgramTest, nifti_header

SIDE = 512
LARGE, LARGER, SMALL = 70, 140, 12  # planes; 64 planes are 64 MiB as floats, the most that is worked on in memory
PIXELS = SIDE * SIDE


class LargeFiles(ProgramTest):
    def setUp(self):
        super().setUp()
        draw = random.Random(3)
        base = array.array('H', (1000 + (x // 32 + y // 64) % 5 * 150 + draw.randrange(200) for y in range(SIDE) for x in range(SIDE)))
        base[5 * SIDE + 7] = 60000  # a hot pixel
        twice = base + base
        planes = [twice[p * 16 * SIDE:p * 16 * SIDE + PIXELS].tobytes() for p in range(32)]
        for name, count in (('large', LARGE), ('larger', LARGER), ('small', SMALL)):
            with open(self.path(name + '.nii'), 'wb') as f:
                f.write(nifti_header(count, SIDE, SIDE, 512, 16))
                for p in range(count):
                    f.write(planes[p % 32])
        self.large, self.larger, self.small = (self.path(n + '.nii') for n in ('large', 'larger', 'small'))

    def bytes_of(self, path, planes, sample_bytes):
        with open(path, 'rb') as f:
            f.seek(352)
            return f.read(planes * PIXELS * sample_bytes)

    def peak_of(self, *words):
        """Peak of resident memory, MiB."""
        process = subprocess.Popen([N2S, *words, '--quiet', '--force', '--threads', '2'], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, words)
        return usage.ru_maxrss / 1024

    def train(self):
        run = self.path('run')
        self.json_of('train', self.small, '-o', run, '--steps', '4', '--batch', '2', '--crop', '64', '--net', 'microscopy',
                     '--planes', '2')
        return run

    def test_denoising_gives_what_it_gives_in_memory(self):
        run, large, small = self.train(), self.path('l.nii'), self.path('s.nii')
        record = self.json_of('denoise', run, self.large, '-o', large, '--levels', 'model')
        self.assertTrue(record['files'][0]['streamed'])
        self.assertEqual(record['files'][0]['levels']['hot_pixels'], LARGE)
        self.json_of('denoise', run, self.small, '-o', small, '--levels', 'model')
        self.assertEqual(os.path.getsize(large), os.path.getsize(self.large))
        # The last plane of the small file has no neighbour behind it.
        self.assertEqual(self.bytes_of(large, SMALL - 1, 2), self.bytes_of(small, SMALL - 1, 2))
        # Levels of the stack itself: the small file holds the same values.
        own, other = (self.json_of('denoise', run, path, '-o', out, '--force')['files'][0]['levels']['normalisation']
                      for path, out in ((self.large, large), (self.small, small)))
        self.assertAlmostEqual(own['scale'] / other['scale'], 1, places=2)

    def test_corruption_and_metrics_are_those_of_the_planes(self):
        large, small = self.path('l.nii'), self.path('s.nii')
        for path, out in ((self.large, large), (self.small, small)):
            self.json_of('corrupt', path, '-o', out, '--noise', 'gaussian:30')
        self.assertEqual(self.bytes_of(large, SMALL, 4), self.bytes_of(small, SMALL, 4))
        whole = self.json_of('evaluate', large, self.large, '--scale', 'max')
        part = self.json_of('evaluate', small, self.small, '--scale', 'max')
        self.assertEqual(whole['planes'], LARGE)
        self.assertEqual(whole['per_plane']['psnr'][:SMALL], part['per_plane']['psnr'])
        for key in ('psnr', 'ssim', 'nrmse'):
            self.assertAlmostEqual(whole[key], sum(whole['per_plane'][key]) / LARGE, places=9)

    def test_memory_does_not_grow_with_the_number_of_planes(self):
        run, out = self.train(), self.path('out.nii')
        for words in (('denoise', run, '{}', '-o', out), ('corrupt', '{}', '-o', out, '--noise', 'gaussian:9'),
                      ('evaluate', '{}', '{}'), ('info', '{}')):
            first, second = (self.peak_of(*(word.replace('{}', path) for word in words)) for path in (self.large, self.larger))
            self.assertLess(second, first + 50, words)  # one copy of the further planes would be 70 MiB
            self.assertLess(second, 400, words)

    def test_an_error_or_an_interruption_leaves_no_file(self):
        run, out = self.train(), self.path('out.nii')
        with open(self.large, 'r+b') as f:
            f.truncate(os.path.getsize(self.large) - 1)
        for words in (('denoise', run, self.large, '-o', out), ('corrupt', self.large, '-o', out, '--noise', 'gaussian:9')):
            self.fails(*words, says=['large.nii', 'ends early'])
        process = subprocess.Popen([N2S, 'denoise', run, self.larger, '-o', out], stderr=subprocess.PIPE, text=True)
        while not [n for n in os.listdir(self.folder.name) if n.startswith('.out.nii')] and process.poll() is None:
            pass
        process.terminate()
        message = process.communicate(timeout=600)[1]
        self.assertEqual(process.returncode, 1)
        self.assertIn('nothing was written', message)
        self.assertEqual([n for n in os.listdir(self.folder.name) if 'out.nii' in n], [])

    def test_a_gzipped_output_comes_in_order(self):
        out = self.path('out.nii.gz')
        self.json_of('corrupt', self.large, '-o', out, '--noise', 'gaussian:30', '--keep-type')
        self.json_of('corrupt', self.large, '-o', self.path('out.nii'), '--noise', 'gaussian:30', '--keep-type')
        self.assertEqual(self.json_of('evaluate', out, self.path('out.nii'), '--scale', 'max')['nrmse'], 0)


unittest.main(verbosity=1)
