#!/usr/bin/env python3
"""Even and odd planes that teach each other (--method even-odd), and n2s restore with a second noisy copy (--second).

usage: two_copies_test.py N2S    (the program)
"""
import math, os, random, struct, unittest

from program import ProgramTest, clean, nifti, npy, read_npy

SHORT = ('--steps', '4', '--batch', '2', '--crop', '32', '--threads', '1')


class TwoCopies(ProgramTest):
    def setUp(self):
        super().setUp()
        draw = random.Random(3)
        self.copies = [self.path(name) for name in ('a.npy', 'b.npy')]
        for path in self.copies:
            self.write_stack(path, (6, 32, 40), draw)
        self.out = self.path('out.npy')

    def write_stack(self, path, shape, draw):
        npy(path, shape, lambda p, r, c: 100 + 40 * math.sin(r / 6 + p / 9) * math.cos(c / 7) + draw.gauss(0, 15))

    def test_even_and_odd_planes_of_one_stack(self):
        self.json_of('restore', self.copies[0], '-o', self.out, '--method', 'even-odd', *SHORT)
        record = self.json_of('info', self.out + '.run')
        self.assertEqual((record['method'], record['planes']), ('even-odd', 1))
        pair, single = self.path('pair.npy'), self.path('single.npy')
        self.write_stack(pair, (2, 32, 40), random.Random(4))
        self.json_of('restore', pair, '-o', self.out, '--method', 'even-odd', '--force', *SHORT)
        self.write_stack(single, (1, 32, 40), random.Random(4))
        self.fails('restore', single, '-o', self.path('no.npy'), '--method', 'even-odd', says=('single.npy', '2'))

    def test_the_result_is_the_mean_of_both_restored_copies(self):
        for method in ((), ('--method', 'even-odd'), ('--method', 'noise2noise')):
            self.json_of('restore', self.copies[0], '--second', self.copies[1], '-o', self.out, '--force', *method, *SHORT)
            record = self.json_of('info', self.out + '.run')
            self.assertEqual(record['planes'], 1 if method else 5)
            restored = []
            for copy in self.copies:
                self.json_of('denoise', self.out + '.run', copy, '-o', self.path('one.npy'), '--force')
                restored.append(read_npy(self.path('one.npy'))[1])
            mean = read_npy(self.out)[1]
            self.assertLess(max(abs(m - (a + b) / 2) for m, a, b in zip(mean, *restored)), 1e-3)

    def test_both_directions_are_learned(self):
        steps = [self.json_of('train', self.copies[0], '--target', self.copies[1], '-o', self.path(run), '--epochs', '2', '--batch', '3',
                              '--crop', '32', *words)['steps']
                 for run, words in (('one', ('--method', 'noise2noise')), ('both', ('--method', 'even-odd')))]
        self.assertEqual(steps, [4, 8])

    def test_planes_that_teach_each_other_are_held_out_together(self):
        result = self.json_of('train', self.copies[0], '-o', self.path('run'), '--method', 'even-odd', '--epochs', '1', '--batch', '1', '--crop',
                              '32', '--validation-planes', '1')
        self.assertEqual(result['steps'], 4)

    def test_copies_of_different_exposure_are_refused(self):
        # Their mean would be of neither level. More noise in one of them is no reason.
        other, draw = self.path('other.npy'), random.Random(6)
        for factor, offset, sigma in ((2, 0, 15), (1, 30, 15), (0.5, 50, 15)):
            npy(other, (6, 32, 40), lambda p, r, c: factor * (100 + 40 * math.sin(r / 6 + p / 9) * math.cos(c / 7)) + offset + draw.gauss(0, sigma))
            self.fails('restore', self.copies[0], '--second', other, '-o', self.out, *SHORT, says=('other.npy', 'levels'))
        self.assertFalse(os.path.exists(self.out))
        npy(other, (6, 32, 40), lambda p, r, c: 100 + 40 * math.sin(r / 6 + p / 9) * math.cos(c / 7) + draw.gauss(0, 18))
        self.json_of('restore', self.copies[0], '--second', other, '-o', self.out, *SHORT)

    def test_a_hot_pixel_in_one_copy_does_not_make_it_another_exposure(self):
        hot, draw = self.path('hot.npy'), random.Random(7)
        npy(hot, (6, 32, 40), lambda p, r, c: 65535 if (p, r, c) == (2, 9, 9) else 100 + 40 * math.sin(r / 6 + p / 9) * math.cos(c / 7) + draw.gauss(0, 15))
        self.json_of('restore', self.copies[0], '--second', hot, '-o', self.out, *SHORT)

    def test_volumes_that_are_stored_in_other_directions_are_warned_of(self):
        draw = random.Random(9)
        def volume(name, sform=None, qform=None):
            nifti(self.path(name), 6, 32, 32, lambda p, r, c: clean(p, r, c) + draw.gauss(0, 5))
            with open(self.path(name), 'r+b') as f:
                header = bytearray(f.read(352))
                if sform:
                    struct.pack_into('<h', header, 254, 1)
                    struct.pack_into('<12f', header, 280, *(value for row in sform for value in (*row, 0)))
                if qform:
                    struct.pack_into('<h', header, 252, 1)
                    struct.pack_into('<3f', header, 256, *qform)
                f.seek(0)
                f.write(header)
            return self.path(name)
        ras = volume('ras.nii', sform=((1, 0.1, 0), (0, 1.5, 0.2), (0, 0, 2)))
        las = volume('las.nii', sform=((-1, 0, 0), (0, 1.5, 0), (0, 0, 2)))
        lps = volume('lps.nii', qform=(0, 0, 1))  # half a turn around the third axis
        plain = volume('plain.nii')
        for other, letters in ((las, 'RAS and LAS'), (lps, 'RAS and LPS'), (plain, ''), (volume('same.nii', qform=(0, 0, 0)), '')):
            for words in (('evaluate', ras, other, '--range', '255'), ('train', ras, '--target', other, '-o', self.path('run'), '--force', *SHORT),
                          ('restore', ras, '--second', other, '-o', self.path('out.nii'), '--force', *SHORT)):
                done = self.run_n2s(*words, '--quiet')
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(f'({letters})' in done.stderr if letters else done.stderr == '', (words, done.stderr))

    def test_what_does_not_fit_is_refused(self):
        other = self.path('other.npy')
        self.write_stack(other, (5, 32, 40), random.Random(5))
        self.fails('restore', self.copies[0], '--second', other, '-o', self.out, *SHORT, says=('other.npy', 'shape'))
        self.fails('restore', self.copies[0], '--second', self.copies[1], '-o', self.out, '--method', 'noise2void', *SHORT, says=('--second',))
        self.fails('restore', self.copies[0], '--second', self.copies[1], '-o', self.out, '--method', 'noise2clean', *SHORT, says=('--target',))
        self.fails('restore', self.copies[0], '-o', self.out, '--method', 'noise2noise', *SHORT, says=('--second',))
        self.fails('restore', self.copies[0], '--second', self.copies[0], '-o', self.out, *SHORT, says=('a.npy', 'the same image'))
        self.fails('train', self.copies[0], '--target', self.copies[0], '-o', self.path('same'), *SHORT, says=('a.npy', 'the same image'))
        self.fails('train', self.copies[0], '--target', other, '-o', self.path('same'), *SHORT, says=('a.npy', 'differ in size'))
        self.assertFalse(os.path.exists(self.out))


unittest.main()
