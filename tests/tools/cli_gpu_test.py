#!/usr/bin/env python3
"""The program on a GPU, which may be an emulated one, as a user meets it: train, denoise, evaluate, what is refused.

usage: cli_gpu_test.py N2S    (the program; the first GPU is used)
"""
import json, math, os, random, struct, subprocess, sys, tempfile, unittest

N2S = os.path.abspath(sys.argv.pop(1))
PLANES, SIDE = 6, 16


def write_stack(path, deviation=10):
    """A NIfTI-1 file of smooth float32 planes with noise."""
    header = bytearray(352)
    struct.pack_into('<i', header, 0, 348)
    struct.pack_into('<8h', header, 40, 3, SIDE, SIDE, PLANES, 1, 1, 1, 1)
    struct.pack_into('<2h', header, 70, 16, 32)
    struct.pack_into('<8f', header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into('<f', header, 108, 352)
    header[344:348] = b'n+1\0'
    noise = random.Random(1)
    voxels = [100 + 50 * math.sin(r / 5 + p / 9) * math.cos(c / 6) + noise.gauss(0, deviation)
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
        self.truth = self.path('truth.nii')
        write_stack(self.truth, deviation=0.5)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_n2s(self, *words):
        return subprocess.run([N2S, *words], capture_output=True, text=True, timeout=300)

    def test_filters_give_the_values_of_the_cpu(self):
        for verb, words in (('bm3d', ()), ('nlm', ()), ('nlm', ('--across', '--patch', '3', '--distance', '2'))):
            results = []
            for device in ('cuda', 'cpu'):
                done = self.run_n2s(verb, self.noisy, '-o', self.path('out.nii'), '--device', device, '--sigma', '10', '--force',
                                    *words)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertNotIn('computed on the CPU', done.stderr)
                results.append(read_voxels(self.path('out.nii')))
            self.assertLess(max(abs(a - b) for a, b in zip(*results)), 0.01)

    def restore(self, out, *words):
        return self.run_n2s('restore', self.noisy, '-o', self.path(out), '--net', 'microscopy', '--planes', '2', '--batch',
                            '1', '--crop', '16', '--steps', '3', *words)

    def test_the_first_gpu_is_used_and_the_result_is_the_cpus(self):
        done = self.restore('gpu.nii', '--json')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('compute capability', done.stderr)
        self.assertIn('stays on the GPU', done.stderr)
        record = json.loads(done.stdout)
        self.assertEqual(record['steps'], 3)
        by_cpu = self.restore('cpu.nii', '--device', 'cpu', '--json')
        self.assertEqual(by_cpu.returncode, 0, by_cpu.stderr)
        normalised = record['configuration']['normalisation']
        self.assertEqual(normalised['kind'], 'percentile')
        self.assertEqual(normalised, json.loads(by_cpu.stdout)['configuration']['normalisation'])
        for a, b in zip(read_voxels(self.path('gpu.nii')), read_voxels(self.path('cpu.nii'))):
            self.assertAlmostEqual(a, b, delta=0.01)
        again = self.run_n2s('denoise', self.path('gpu.nii.run'), self.noisy, '-o', self.path('again.nii'))
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(read_voxels(self.path('again.nii')), read_voxels(self.path('gpu.nii')))

    def evaluate(self, device, *words):
        done = self.run_n2s('evaluate', self.noisy, self.truth, '--json', '--device', device, *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual('compute capability' in done.stderr, device != 'cpu')
        return json.loads(done.stdout)

    def assert_close(self, a, b):
        """Equal, floats to 1e-9."""
        self.assertIs(type(a), type(b))
        if isinstance(a, dict):
            self.assertEqual(a.keys(), b.keys())
            for key in a:
                self.assert_close(a[key], b[key])
        elif isinstance(a, list):
            self.assertEqual(len(a), len(b))
            for x, y in zip(a, b):
                self.assert_close(x, y)
        elif isinstance(a, float):
            self.assertTrue(math.isclose(a, b, rel_tol=1e-9), (a, b))
        else:
            self.assertEqual(a, b)

    def test_metrics_are_the_cpus(self):
        for words in ((), ('--range', '100'), ('--scale', 'max', '--clamp', '-0.5,0.5'), ('--scale', 'percentile', '--affine')):
            by_gpu = self.evaluate('auto', *words)
            self.assertEqual(by_gpu['planes'], PLANES)
            self.assert_close(by_gpu, self.evaluate('cpu', *words))

    def test_evaluate_says_nothing_when_quiet_and_refuses_what_is_no_device(self):
        quiet = self.run_n2s('evaluate', self.noisy, self.truth, '--range', '100', '--device', 'cuda', '--quiet')
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ''))
        missing = self.run_n2s('evaluate', self.noisy, self.truth, '--device', 'cuda:99', '--quiet')
        self.assertEqual((missing.returncode, missing.stderr.count('\n')), (1, 1), missing.stderr)
        self.assertIn('cuda:99', missing.stderr)

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

    def test_a_variant_that_is_not_for_the_gpu_is_refused(self):
        is_volta = 'compute capability 7' in json.loads(self.run_n2s('info', '--json').stdout)['cuda']['cuda:0']
        variant = 'mma' if is_volta else 'mma_sm70'
        for words in (('--op', 'conv3x3'), ()):
            done = subprocess.run([N2S, 'bench', '--device', 'cuda:0', '--precision', 'fp16', '--variant', variant, *words], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr.count('\n')), (1, 1), done.stderr)
            self.assertIn(variant, done.stderr)

    def test_info_lists_the_gpu(self):
        cuda = json.loads(self.run_n2s('info', '--json').stdout)['cuda']
        self.assertIn('compute capability', cuda['cuda:0'])


unittest.main(argv=[sys.argv[0]])
