"""Runs the program for the tests of the command line. Input files are made here, byte by byte, so that nothing of the
project writes them.
"""
import ast, itertools, json, math, os, random, struct, subprocess, sys, tempfile, unittest

N2S = os.path.abspath(sys.argv.pop(1))  # the first argument of each test script


def nifti_header(planes, height, width, code=16, bits=32):
    """Of a NIfTI-1 file; the default samples are float32."""
    header = bytearray(352)
    struct.pack_into('<i', header, 0, 348)
    struct.pack_into('<8h', header, 40, 3, width, height, planes, 1, 1, 1, 1)
    struct.pack_into('<2h', header, 70, code, bits)
    struct.pack_into('<8f', header, 76, 1, 1, 1.5, 2, 0, 0, 0, 0)
    struct.pack_into('<f', header, 108, 352)
    header[344:348] = b'n+1\0'
    return bytes(header)


def nifti(path, planes, height, width, value):
    """A NIfTI-1 file of float32 voxels; value(plane, row, column)."""
    voxels = [value(p, r, c) for p in range(planes) for r in range(height) for c in range(width)]
    with open(path, 'wb') as f:
        f.write(nifti_header(planes, height, width) + struct.pack('<%df' % len(voxels), *voxels))


def npy(path, shape, value):
    """A NumPy array of float32; value(*index)."""
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }" % ', '.join(map(str, shape))
    header = header.ljust(117) + '\n'
    voxels = [value(*index) for index in itertools.product(*map(range, shape))]
    with open(path, 'wb') as f:
        f.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
        f.write(struct.pack('<%df' % len(voxels), *voxels))


def read_npy(path):
    """Shape and values, slowest axis first."""
    with open(path, 'rb') as f:
        data = f.read()
    length = struct.unpack_from('<H', data, 8)[0]
    fields = ast.literal_eval(data[10:10 + length].decode())
    return fields['shape'], struct.unpack('<%df' % math.prod(fields['shape']), data[10 + length:])


def read_voxels(path):
    with open(path, 'rb') as f:
        data = f.read()
    return struct.unpack('<%df' % ((len(data) - 352) // 4), data[352:])


def clean(p, r, c):
    return 100 + 50 * math.sin(r / 5 + p / 9) * math.cos(c / 6)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        noise = random.Random(1)
        self.noisy = self.path('noisy.nii')
        nifti(self.noisy, 8, 32, 32, lambda p, r, c: clean(p, r, c) + noise.gauss(0, 20))
        self.clean = self.path('clean.nii')
        nifti(self.clean, 8, 32, 32, clean)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def run_n2s(self, *words, timeout=600):
        no_gpu = {**os.environ, 'CUDA_VISIBLE_DEVICES': ''}  # the same on every machine
        return subprocess.run([N2S, *words], capture_output=True, text=True, timeout=timeout, env=no_gpu)

    def fails(self, *words, code=1, says=()):
        """Exits with `code` and one line on standard error that holds each of `says`; standard output stays empty."""
        done = self.run_n2s(*words, '--quiet') if code == 1 else self.run_n2s(*words)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stderr.count('\n'), 1, done.stderr)
        self.assertTrue(done.stderr.startswith('n2s: error: '), done.stderr)
        for text in says:
            self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, '')

    def json_of(self, *words):
        done = self.run_n2s(*words, '--json', '--quiet')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, '')
        return json.loads(done.stdout)
