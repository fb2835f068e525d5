#!/usr/bin/env python3
"""Training data that is kept in the file's sample type, and on disk what --memory does not hold: the same bits wherever
it is kept, and nothing left behind.

usage: paged_training_test.py N2S    (the program)
"""
import array, os, random, resource, signal, subprocess, unittest

from program import N2S, ProgramTest, nifti_header

SIDE, PLANES = 512, 70  # 64 planes are 64 MiB as floats, the most that is held as such
TRAINING = ('--steps', '3', '--batch', '4', '--crop', '64', '--net', 'microscopy', '--threads', '2')


class PagedTraining(ProgramTest):
    def setUp(self):
        super().setUp()
        for name in ('a', 'b'):
            draw = random.Random(name)
            base = [1000 + (x // 32 + y // 64) % 5 * 150 + draw.randrange(200) for y in range(SIDE) for x in range(SIDE)]
            base[5 * SIDE + 7] = 30000  # a hot pixel
            twice = array.array('h', base + base)
            planes = [twice[p * 16 * SIDE:p * 16 * SIDE + SIDE * SIDE] for p in range(32)]
            values = array.array('h')
            for p in range(PLANES):
                values += planes[p % 32]
            with open(self.path(name + '.nii'), 'wb') as f:
                f.write(nifti_header(PLANES, SIDE, SIDE, 4, 16) + values.tobytes())

    def read(self, *parts):
        with open(os.path.join(self.folder.name, *parts), 'rb') as f:
            return f.read()

    def test_a_restored_stack_is_the_same_from_memory_and_from_disk(self):
        for name, memory in (('whole', '8'), ('part', '0.02'), ('none', '1e-6')):
            out = self.path(name + '.nii')
            notes = self.run_n2s('restore', self.path('a.nii'), '-o', out, '--memory', memory, '--planes', '2', *TRAINING).stderr
            self.assertEqual('stay in' in notes, name != 'whole', notes)
            self.assertIn('hot or dead pixels, replaced: 70 ', notes)
        for name in ('part', 'none'):
            self.assertEqual(self.read(name + '.nii'), self.read('whole.nii'))
            for file in ('last.safetensors', 'shown-input.tif', 'shown-restored.tif'):
                self.assertEqual(self.read(name + '.nii.run', file), self.read('whole.nii.run', file), file)
        self.assertEqual(sorted(os.listdir(self.path('none.nii.run'))), sorted(
            ['last.safetensors', 'log.jsonl', 'loss_curve.png', 'model.safetensors', 'panel.png', 'run.json', 'shown-input.tif',
             'shown-restored.tif', 'state.safetensors']))
        self.run_n2s('denoise', self.path('none.nii.run'), self.path('a.nii'), '-o', self.path('again.nii'))
        self.assertEqual(self.read('again.nii'), self.read('whole.nii'))

    def test_several_files_targets_and_fixed_noise(self):
        a, b = self.path('a.nii'), self.path('b.nii')
        for name, words in (('targets', [a, '--target', b, '--planes', '3']),
                            ('noise', [a, b, '--planes', '2', '--noise', 'gaussian:50', '--fixed-noise', '--levels', 'shared']),
                            ('middle', [a, b, '--planes', '2', '--middle', '40', '--validation', b, '--keep', 'best'])):
            for memory in ('8', '0.01'):
                self.run_n2s('train', '-o', self.path(name + memory), *TRAINING, *words, '--memory', memory)
            self.assertEqual(self.read(name + '8', 'last.safetensors'), self.read(name + '0.01', 'last.safetensors'), name)

    def test_a_run_is_resumed_from_disk_bit_for_bit(self):
        whole, parts = self.path('whole'), self.path('parts')
        words = [self.path('a.nii'), '--memory', '0.01', '--planes', '2', '--steps', '8', *TRAINING[2:]]
        self.run_n2s('train', *words, '-o', whole)
        process = subprocess.Popen([N2S, 'train', *words, '-o', parts], stderr=subprocess.PIPE, text=True)
        while not os.path.exists(os.path.join(parts, 'state.safetensors')) and process.poll() is None:
            pass
        process.terminate()
        process.communicate(timeout=600)
        self.run_n2s('train', *words, '-o', parts, '--resume')
        self.assertEqual(self.read('parts', 'last.safetensors'), self.read('whole', 'last.safetensors'))

    def test_a_full_disk_is_named_with_what_to_do(self):
        def small_files():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        run = self.path('run')
        done = subprocess.run([N2S, 'train', self.path('a.nii'), '-o', run, '--memory', '0.01', *TRAINING], text=True,
                              capture_output=True, preexec_fn=small_files)
        self.assertEqual(done.returncode, 1)
        for part in (run, 'voxels', '--memory'):
            self.assertIn(part, done.stderr)
        self.assertFalse(os.path.exists(run))


unittest.main(verbosity=1)
