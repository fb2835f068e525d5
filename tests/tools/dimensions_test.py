#!/usr/bin/env python3
"""Files of more than three dimensions are one job: every channel, time point and slice is worked on, and the output has
the input's full shape.

usage: dimensions_test.py N2S    (the program)
"""
import math, os, random, shutil, struct, unittest

from program import ProgramTest, clean, npy, read_npy

SHAPE = (2, 3, 5, 32, 32)  # channels, time points, planes
SHORT = ['--steps', '60', '--batch', '4', '--crop', '32', '--net', 'microscopy', '--planes', '2']


def scene(channel, time, plane, row, column):
    """Channels of different levels and content, time points of different levels."""
    return (1 + 20 * channel) * clean(plane + 40 * channel, row, column) + 200 * time


class Dimensions(ProgramTest):
    def setUp(self):
        super().setUp()
        noise = random.Random(2)
        self.truth, self.series = self.path('truth.npy'), self.path('series.npy')
        npy(self.truth, SHAPE, scene)
        npy(self.series, SHAPE, lambda c, *at: scene(c, *at) + noise.gauss(0, 20 * (1 + 20 * c)))

    def mean_error(self, path):
        """Of each (channel, time point): mean squared error, in the channel's noise variance."""
        shape, found = read_npy(path)
        self.assertEqual(shape, SHAPE)
        truth = read_npy(self.truth)[1]
        size = math.prod(SHAPE[2:])
        return [sum((a - b) ** 2 for a, b in zip(found[i:i + size], truth[i:i + size])) / size /
                (20 * (1 + 20 * (i // size // SHAPE[1]))) ** 2 for i in range(0, len(found), size)]

    def test_every_channel_and_time_point_is_restored(self):
        out = self.path('out.npy')
        record = self.json_of('restore', self.series, '-o', out, '--axes', 'CTZYX', *SHORT)
        self.assertEqual([network['channel'] for network in record['networks']], [0, 1])
        self.assertEqual(len(record['networks'][0]['levels']), 3)  # each time point has its own
        self.assertLess(max(self.mean_error(out)), 0.5)
        again = self.path('again.npy')
        self.json_of('denoise', out + '.run', self.series, '-o', again, '--axes', 'CTZYX')
        self.assertEqual(read_npy(again), read_npy(out))
        self.fails('denoise', out + '.run', self.series, '-o', self.path('x.npy'), '--axes', 'TCZYX', says=['channel 2'])
        # One channel alone is the same work as in the whole.
        one = self.path('one.npy')
        self.json_of('restore', self.series, '-o', one, '--axes', 'CTZYX', '--channel', '0', *SHORT)
        self.assertEqual(read_npy(one)[0], SHAPE[1:])
        self.assertEqual(read_npy(one)[1], read_npy(out)[1][:math.prod(SHAPE[1:])])

    def test_a_network_of_one_channel_is_not_used_for_another(self):
        run, out = self.path('run'), self.path('out.npy')
        self.json_of('train', self.series, '-o', run, '--axes', 'CTZYX', *SHORT)
        one = self.path('one.npy')
        npy(one, SHAPE[2:], lambda plane, row, column: scene(1, 0, plane, row, column))
        self.fails('denoise', run, one, '-o', out, says=['1 channel', 'each of 2', 'channel1'])
        self.run_n2s('denoise', os.path.join(run, 'channel1'), one, '-o', self.path('restored.npy'))
        self.fails('import', os.path.join(run, 'channel1/model.safetensors'), '--like', run, '-o', self.path('x.safetensors'), says=['channel0'])
        shutil.rmtree(os.path.join(run, 'channel1'))  # as after an interruption
        self.fails('denoise', run, self.series, '-o', out, '--axes', 'CTZYX', says=['channel 1', '--resume'])
        self.json_of('denoise', run, self.series, '-o', out, '--axes', 'CTZYX', '--channel', '0')
        self.assertIn('channel0', self.json_of('info', run))

    def test_folders_of_the_user_that_are_named_like_channels_stay(self):
        run = self.path('run')
        for name in ('channel_data', 'channels', 'channel'):
            os.makedirs(os.path.join(run, name))
            with open(os.path.join(run, name, 'model.safetensors'), 'w') as f:
                f.write('precious')
        self.json_of('train', self.series, '-o', run, '--axes', 'CTZYX', '--force', *SHORT)
        for name in ('channel_data', 'channels', 'channel'):
            with open(os.path.join(run, name, 'model.safetensors')) as f:
                self.assertEqual(f.read(), 'precious')

    def test_joint_channels_share_a_network(self):
        out = self.path('out.npy')
        record = self.json_of('restore', self.series, '-o', out, '--axes', 'CTZYX', '--channels', 'joint', *SHORT)
        self.assertNotIn('networks', record)
        self.assertEqual(read_npy(out)[0], SHAPE)
        self.assertTrue(os.path.exists(os.path.join(out + '.run', 'model.safetensors')))

    def test_an_earlier_run_with_other_channels_leaves_nothing_that_denoise_would_take(self):
        out = self.path('out.npy')
        self.json_of('restore', self.series, '-o', out, '--axes', 'CTZYX', *SHORT)
        self.json_of('restore', self.series, '-o', out, '--axes', 'CTZYX', '--channel', '0', '--force', *SHORT)
        again = self.path('again.npy')
        self.json_of('denoise', out + '.run', self.series, '-o', again, '--axes', 'CTZYX', '--channel', '0')
        self.assertEqual(read_npy(again), read_npy(out))

    def test_time_may_be_the_axis_of_the_stacks_for_all_slices(self):
        out = self.path('out.npy')
        self.json_of('restore', self.series, '-o', out, '--axes', 'CTZYX', '--axis', 't', *SHORT)
        self.assertEqual(read_npy(out)[0], SHAPE)
        self.json_of('restore', self.series, '-o', out, '--axes', 'CTZYX', '--axis', 't', '--slice', '2', '--force', *SHORT)
        self.assertEqual(read_npy(out)[0], (2, 3, 32, 32))

    def test_a_blank_time_point_does_no_harm(self):
        blank, out = self.path('blank.npy'), self.path('out.npy')
        shape, values = read_npy(self.series)
        size = math.prod(SHAPE[2:])
        with open(self.series, 'rb') as f, open(blank, 'wb') as g:
            data = bytearray(f.read())
            data[-4 * size:] = struct.pack('<%df' % size, *([100.0] * size))
            g.write(data)
        self.json_of('restore', blank, '-o', out, '--axes', 'CTZYX', *SHORT)
        self.assertLess(max(self.mean_error(out)[:-1]), 0.5)

    def test_train_and_evaluate_and_corrupt_work_on_all_stacks(self):
        run, out, noisy = self.path('run'), self.path('out.npy'), self.path('noisy.npy')
        record = self.json_of('train', self.series, '-o', run, '--axes', 'CTZYX', *SHORT)
        self.assertEqual(len(record['networks']), 2)
        self.json_of('denoise', run, self.series, '-o', out, '--axes', 'CTZYX')
        self.assertLess(max(self.mean_error(out)), 0.5)
        metrics = self.json_of('evaluate', out, self.truth, '--axes', 'CTZYX', '--range', '100')
        self.assertEqual(metrics['planes'], 30)
        self.json_of('corrupt', self.truth, '-o', noisy, '--axes', 'CTZYX', '--noise', 'gaussian:10')
        shape, values = read_npy(noisy)
        self.assertEqual(shape, SHAPE)
        difference = [a - b for a, b in zip(values, read_npy(self.truth)[1])]
        size = math.prod(SHAPE[2:])
        for i in range(0, len(difference), size):
            part = difference[i:i + size]
            self.assertAlmostEqual(math.sqrt(sum(v * v for v in part) / size), 10, delta=0.5)
            self.assertNotEqual(part, difference[:size] if i else None)  # noise of its own
        one = self.path('one.npy')  # the same noise where the stack is corrupted alone
        self.json_of('corrupt', self.truth, '-o', one, '--axes', 'CTZYX', '--noise', 'gaussian:10', '--channel', '1', '--time', '2')
        self.assertEqual(read_npy(one)[1], values[-size:])

    def test_a_folder_with_a_file_for_each_plane_is_a_stack(self):
        """As tomographs write it; "slice2" comes before "slice10"."""
        noise = random.Random(8)
        values = [[[clean(p, r, c) + noise.gauss(0, 20) for c in range(40)] for r in range(32)] for p in range(12)]
        whole, folder, out = self.path('whole.npy'), self.path('slices'), self.path('out.npy')
        npy(whole, (12, 32, 40), lambda p, r, c: values[p][r][c])
        os.mkdir(folder)
        for p in range(12):
            npy(os.path.join(folder, f'slice{p + 1}.npy'), (32, 40), lambda r, c: values[p][r][c])
        for name in ('notes.txt', '.slice0.npy'):
            with open(os.path.join(folder, name), 'w') as f:
                f.write('not a plane')
        self.assertEqual(self.json_of('info', folder)['axes'], 'Z=12 Y=32 X=40')
        self.assertEqual(self.json_of('info', folder, '--axes', 'TYX')['axes'], 'T=12 Y=32 X=40')
        for verb, words in (('bm3d', ()), ('restore', SHORT), ('corrupt', ('--noise', 'gaussian:5'))):
            results = []
            for path in (whole, folder):
                done = self.run_n2s(verb, path, '-o', out, '--force', *words)
                self.assertEqual(done.returncode, 0, done.stderr)
                results.append(read_npy(out))
            self.assertEqual(*results, verb)
        self.assertEqual(self.json_of('evaluate', folder, whole, '--scale', 'max')['nrmse'], 0)
        denoised = self.run_n2s('denoise', out + '.run', folder, '-o', self.path('denoised.npy'))
        self.assertEqual(denoised.returncode, 0, denoised.stderr)
        # What is no stack is told, by the name of the file.
        for shape, says in (((32, 41), ['slice12.npy', 'Y=32 X=41', 'slice1.npy']), ((2, 32, 40), ['slice12.npy', 'Z=2'])):
            npy(os.path.join(folder, 'slice12.npy'), shape, lambda *at: 1)
            self.fails('bm3d', folder, '-o', self.path('none.npy'), says=says)
        npy(os.path.join(folder, 'slice1.npy'), (2, 32, 40), lambda *at: 1)
        self.fails('bm3d', folder, '-o', self.path('none.npy'), says=['folder of stacks', 'slice1.npy'])
        shutil.copy(self.noisy, folder)
        self.fails('bm3d', folder, '-o', self.path('none.npy'), says=['several formats', 'noisy.nii'])
        empty = self.path('empty')
        os.mkdir(empty)
        self.fails('bm3d', empty, '-o', self.path('none.npy'), says=['without images'])
        shutil.copy(self.noisy, empty)
        self.fails('bm3d', empty, '-o', self.path('none.npy'), says=['one image only'])
        self.assertFalse(os.path.exists(self.path('none.npy')))

    def test_an_order_that_the_file_does_not_tell_is_asked_for(self):
        self.fails('info', self.series, says=['series.npy', '--axes TCZYX'])
        self.fails('info', self.series, '--axes', 'ZYX', says=['ZYX', '5 dimensions'])

    def test_channels_without_planes_say_which_option_makes_a_stack_of_them(self):
        planes = self.path('planes.npy')
        npy(planes, (6, 32, 32), lambda p, r, c: clean(p, r, c))
        self.fails('restore', planes, '-o', self.path('o.npy'), '--axes', 'CYX', says=['C=6', '--axis c'])
        self.json_of('restore', planes, '-o', self.path('o.npy'), '--axes', 'CYX', '--axis', 'c', *SHORT)
        self.assertEqual(read_npy(self.path('o.npy'))[0], (6, 32, 32))


unittest.main(verbosity=1)
