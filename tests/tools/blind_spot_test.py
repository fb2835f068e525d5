#!/usr/bin/env python3
"""Methods that hide pixels (--method noise2void and its relatives): single images, folders of images, stacks.

usage: blind_spot_test.py N2S    (the program)
"""
import math, os, random, unittest

from program import ProgramTest, nifti, npy, read_npy

SHORT = ('--steps', '4', '--batch', '2', '--crop', '32', '--threads', '1')


class BlindSpots(ProgramTest):
    def setUp(self):
        super().setUp()
        self.draw = random.Random(3)
        self.image = self.path('image.npy')
        self.write_image(self.image, 40, 52)

    def write_image(self, path, height, width, sigma=15):
        npy(path, (height, width), lambda r, c: 100 + 40 * math.sin(r / 6) * math.cos(c / 7) + self.draw.gauss(0, sigma))

    def test_a_single_image_is_restored_by_each_method(self):
        for method in ('noise2void', 'n2v2', 'structn2v', 'noise2self'):
            out = self.path(method + '.npy')
            self.json_of('restore', self.image, '-o', out, '--method', method, *SHORT)
            record = self.json_of('info', out + '.run')
            self.assertEqual((record['method'], record['planes'], record['network']), (method, 1, 'n2v2' if method == 'n2v2' else 'blind-spot'))
            self.assertEqual(read_npy(out)[0], (40, 52))

    def test_images_of_different_sizes_share_a_network(self):
        other = self.path('other.npy')
        self.write_image(other, 64, 36)
        run = self.path('run')
        self.json_of('train', self.image, other, '-o', run, '--method', 'noise2void', *SHORT)
        done = self.run_n2s('denoise', run, self.image, other, '-o', self.path('restored'))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(read_npy(self.path('restored/other.npy'))[0], (64, 36))

    def test_neighbours_are_seen_too(self):
        out = self.path('out.nii')
        self.json_of('restore', self.noisy, '-o', out, '--method', 'noise2void', '--planes', '3', *SHORT)
        self.assertEqual(self.json_of('info', out + '.run')['planes'], 3)
        self.fails('restore', self.image, '-o', self.path('out.npy'), '--method', 'noise2void', '--planes', '3')

    def test_the_same_seed_gives_the_same_model(self):
        words = ('--method', 'noise2void', '--mask', 'random:5', '--replace', 'median', '--window', '5', *SHORT)
        models = []
        for run in ('one', 'two'):
            self.json_of('train', self.noisy, '-o', self.path(run), *words)
            with open(os.path.join(self.path(run), 'model.safetensors'), 'rb') as file:
                models.append(file.read())
        self.assertEqual(*models)

    def test_what_is_hidden_can_be_chosen_and_is_recorded(self):
        run = self.path('run')
        self.json_of('train', self.noisy, '-o', run, '--method', 'noise2void', '--mask', 'grid:3', '--replace', 'median', '--window',
                     '5', '--struct', '1x7', *SHORT)
        spots = self.json_of('info', run)['blind_spots']
        self.assertEqual(spots, {'mask': 'grid:3', 'replace': 'median', 'window': 5, 'struct': '1x7'})

    def test_what_makes_no_sense_is_refused(self):
        out, void = self.path('no.npy'), ('--method', 'noise2void')
        for words in ((*void, '--mask', 'random'), (*void, '--mask', 'random:1'), (*void, '--mask', 'dense:5'),
                      (*void, '--mask', 'random:5x'), (*void, '--window', '4'), (*void, '--struct', '11'),
                      (*void, '--struct', '10x1'), (*void, '--struct', '-3x1'), (*void, '--planes', '2'),
                      (*void, '--net', 'microscopy')):
            self.fails('restore', self.image, '-o', out, *words)
        self.fails('restore', self.noisy, '-o', out, '--mask', 'random:5', says=('noise2void',))
        self.fails('restore', self.image, '-o', out, says=('noise2void', 'bm3d'))
        self.assertFalse(os.path.exists(out))


unittest.main()
