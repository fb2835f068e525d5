#!/usr/bin/env python3
"""The program on a GPU, which may be an emulated one, as a user meets it: train, resume, denoise, what is refused.

usage: cli_gpu_test.py N2S    (the program; the first GPU is used)
"""
import json, math, os, random, struct, subprocess, sys, tempfile, unittest

N2S = os.path.abspath(sys.argv.pop(1))
PLANES, SIDE = 6, 16


def write_stack(path):
    """A NIfTI-1 file of smooth float32 planes with noise."""
    header = bytearray(352)
    struct.pack_into('<i', header, 0, 348)
    struct.pack_into('<8h', header, 40, 3, SIDE, SIDE, PLANES, 1, 1, 1, 1)
    struct.pack_into('<2h', header, 70, 16, 32)
    struct.pack_into('<8f', header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into('<f', header, 108, 352)
    header[344:348] = b'n+1\0'
    noise = random.Random(1)
    voxels = [100 + 50 * math.sin(r / 5 + p / 9) * math.cos(c / 6) + noise.gauss(0, 10)
              for p in range(PLANES) for r in range(SIDE) for c in range(SIDE)]
    with open(path, 'wb') as f:
        f.write(header + struct.pack('<%df' % len(voxels), *voxels))


def read_voxels(path):
    with open(path, 'rb') as f:
        return struct.unpack('<%df' % (PLANES * SIDE * SIDE), f.read()[352:])


class CommandLineOnAGpu(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.noisy = self.path('noisy.nii')
        write_stack(self.noisy)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_n2s(self, *words):
        return subprocess.run([N2S, *words], capture_output=True, text=True, timeout=300)

    def restore(self, out, *words):
        return self.run_n2s('restore', self.noisy, '-o', self.path(out), '--net', 'microscopy', '--planes', '2', '--batch',
                            '1', '--crop', '16', '--steps', '3', *words)

    def test_the_first_gpu_is_used_and_the_result_is_the_processors(self):
        done = self.restore('gpu.nii', '--json')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('compute capability', done.stderr)
        self.assertIn('stays on the GPU', done.stderr)
        self.assertEqual(json.loads(done.stdout)['steps'], 3)
        self.assertEqual(self.restore('cpu.nii', '--device', 'cpu').returncode, 0)
        for a, b in zip(read_voxels(self.path('gpu.nii')), read_voxels(self.path('cpu.nii'))):
            self.assertAlmostEqual(a, b, delta=0.01)
        again = self.run_n2s('denoise', self.path('gpu.nii.run'), self.noisy, '-o', self.path('again.nii'))
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(read_voxels(self.path('again.nii')), read_voxels(self.path('gpu.nii')))

    def test_half_precision(self):
        done = self.restore('half.nii', '--device', 'cuda:0', '--precision', 'fp16')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('fp16', done.stderr)
        self.assertTrue(all(0 < v < 250 for v in read_voxels(self.path('half.nii'))))

    def test_what_is_refused(self):
        for words, says in ((('--device', 'cuda:99'), 'cuda:99'), (('--device', 'cuda:x'), 'cuda:NUMBER'),
                            (('--device', 'cpu', '--precision', 'fp16'), 'fp32')):
            done = self.restore('none.nii', *words, '--quiet')
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
            self.assertIn(says, done.stderr)
            self.assertFalse(os.path.exists(self.path('none.nii')))

    def test_info_lists_the_gpu(self):
        cuda = json.loads(self.run_n2s('info', '--json').stdout)['cuda']
        self.assertIn('compute capability', cuda['cuda:0'])


unittest.main(argv=[sys.argv[0]])
