#!/usr/bin/env python3
"""libn2s through its C interface, with NumPy's arrays: the same bits as the program's, any layout and type, errors as
texts, cancelling, threads.

usage: library_test.py N2S LIBRARY    (the program, libn2s.so)
"""
import ctypes as c, json, os, subprocess, sys, tempfile, threading, unittest

import numpy as np

N2S, LIBRARY = (os.path.abspath(path) for path in sys.argv[1:3])
del sys.argv[1:3]
TYPES = ['u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'u8', 'i8', 'f2', 'f4', 'f8']
OK, ERROR, USAGE, CANCELLED = range(4)
TRAINING = {'steps': '12', 'batch': '4', 'crop': '32', 'threads': '2', 'net': 'microscopy'}


class Array(c.Structure):
    _fields_ = [('data', c.c_void_p), ('type', c.c_int), ('dimensions', c.c_int32), ('shape', c.c_int64 * 5),
                ('strides', c.c_int64 * 5), ('axes', c.c_char_p), ('read', c.CFUNCTYPE(c.c_int, c.c_int64, c.c_int64, c.c_void_p, c.c_void_p)),
                ('write', c.CFUNCTYPE(c.c_int, c.c_int64, c.c_int64, c.c_void_p, c.c_void_p)), ('user', c.c_void_p)]

    @classmethod
    def of(cls, array, axes=None):
        made = cls(array.ctypes.data, TYPES.index(array.dtype.str[1:]), array.ndim, (c.c_int64 * 5)(*array.shape),
                   (c.c_int64 * 5)(*array.strides), axes and axes.encode())
        made.kept = array
        return made


def by_planes(array, failing=()):
    """The same array, of which the library sees planes only by functions; those of `failing` fail."""
    made = Array.of(array)
    planes = array.reshape(-1, *array.shape[-2:])

    def read(first, count, samples, _):
        part = np.ascontiguousarray(planes[first:first + count])
        c.memmove(samples, part.ctypes.data, part.nbytes)
        return int(first <= min(failing, default=-1) < first + count)

    def write(first, count, samples, _):
        part = np.empty((count, *planes.shape[1:]), array.dtype)
        c.memmove(part.ctypes.data, samples, part.nbytes)
        planes[first:first + count] = part
        return int(first in failing)

    made.data, made.read, made.write = None, type(made.read)(read), type(made.write)(write)
    return made


class Progress(c.Structure):
    _fields_ = [('stage', c.c_char_p), ('unit', c.c_char_p), ('done', c.c_int64), ('total', c.c_int64), ('note', c.c_char_p)]


class Metrics(c.Structure):
    _fields_ = [('psnr', c.c_double), ('ssim', c.c_double), ('nrmse', c.c_double), ('planes', c.c_int64)]


REPORT, NOTE, CANCEL = (c.CFUNCTYPE(None, c.POINTER(Progress), c.c_void_p), c.CFUNCTYPE(None, c.c_char_p, c.c_void_p),
                        c.CFUNCTYPE(c.c_int, c.c_void_p))
n2s = c.CDLL(LIBRARY)
n2s.n2s_last_error.restype = n2s.n2s_version.restype = c.c_char_p
for function in ('n2s_free', 'n2s_options_destroy', 'n2s_model_destroy'):
    getattr(n2s, function).restype = None
    getattr(n2s, function).argtypes = [c.c_void_p]


def text_of(pointer):
    text = c.cast(pointer, c.c_char_p).value.decode()
    n2s.n2s_free(pointer)
    return text


class Options:
    def __init__(self, values=None, report=None, note=None, cancel=None):
        self.handle = c.c_void_p()
        assert n2s.n2s_options_create(c.byref(self.handle)) == OK
        self._as_parameter_ = self.handle  # so that it can be an argument, and lives as long as the call
        for name, value in (values or {}).items():
            assert n2s.n2s_options_set(self.handle, name.encode(), value and value.encode()) == OK
        self.kept = [REPORT(lambda p, _: report(p.contents)) if report else REPORT(),
                     NOTE(lambda text, _: note(text.decode())) if note else NOTE(),
                     CANCEL(lambda _: cancel()) if cancel else CANCEL()]
        for name, function in zip(('progress', 'note', 'cancel'), self.kept):
            getattr(n2s, 'n2s_options_on_' + name)(self.handle, function, None)

    def __del__(self):
        n2s.n2s_options_destroy(self.handle)


def noisy(shape=(9, 48, 40), dtype='f4', seed=0):
    planes, rows, columns = np.indices(shape)
    values = 100 + 60 * np.sin(rows / 5 + planes / 9) * np.cos(columns / 6)
    return (values + np.random.default_rng(seed).normal(0, 15, shape)).astype(dtype)


class Library(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def fails(self, status, *texts, code=ERROR):
        error = n2s.n2s_last_error().decode()
        self.assertEqual(status, code, error)
        self.assertNotIn('\n', error)
        for text in texts:
            self.assertIn(text, error)

    def restore(self, stack, options, axes=None, model=None):
        restored = np.zeros_like(stack)
        status = n2s.n2s_restore(c.byref(Array.of(stack, axes)), c.byref(Array.of(restored, axes)), options,
                                 None if model is None else c.byref(model), None)
        return status, restored

    def run_n2s(self, *words):
        subprocess.run([N2S, *words, '--quiet'], check=True)

    def test_the_same_bits_as_the_program(self):
        stack = noisy(dtype='u2')
        np.save(self.path('noisy.npy'), stack)
        words = [word for name, value in TRAINING.items() for word in ('--' + name, value)]
        self.run_n2s('restore', self.path('noisy.npy'), '-o', self.path('restored.npy'), *words)
        model = c.c_void_p()
        status, restored = self.restore(stack, Options(TRAINING), model=model)
        self.assertEqual(status, OK, n2s.n2s_last_error())
        np.testing.assert_array_equal(restored, np.load(self.path('restored.npy')))
        # the model: saved, loaded, used by the program
        self.assertEqual(n2s.n2s_model_save(model, self.path('m.safetensors').encode(), 0), OK)
        self.fails(n2s.n2s_model_save(model, self.path('m.safetensors').encode(), 0), 'm.safetensors', 'exists')
        n2s.n2s_model_destroy(model)
        self.run_n2s('denoise', self.path('m.safetensors'), self.path('noisy.npy'), '-o', self.path('again.npy'))
        np.testing.assert_array_equal(restored, np.load(self.path('again.npy')))
        loaded, described = c.c_void_p(), c.c_void_p()
        self.assertEqual(n2s.n2s_model_load(self.path('m.safetensors').encode(), c.byref(loaded)), OK)
        os.remove(self.path('m.safetensors'))
        denoised = np.zeros_like(stack)
        self.assertEqual(n2s.n2s_denoise(loaded, c.byref(Array.of(stack)), c.byref(Array.of(denoised)), None, None), OK)
        np.testing.assert_array_equal(restored, denoised)
        self.assertEqual(n2s.n2s_model_describe(loaded, c.byref(described)), OK)
        self.assertEqual(json.loads(text_of(described))['network'], 'microscopy')
        n2s.n2s_model_destroy(loaded)
        # filters and metrics
        for verb in ('bm3d', 'nlm'):
            self.run_n2s(verb, self.path('noisy.npy'), '-o', self.path(verb + '.npy'))
            filtered = np.zeros_like(stack)
            self.assertEqual(getattr(n2s, 'n2s_' + verb)(c.byref(Array.of(stack)), c.byref(Array.of(filtered)), None, None), OK)
            np.testing.assert_array_equal(filtered, np.load(self.path(verb + '.npy')))
        printed = json.loads(subprocess.run([N2S, 'evaluate', self.path('bm3d.npy'), self.path('noisy.npy'), '--range', '200',
                                             '--json'], check=True, capture_output=True).stdout)
        metrics = Metrics()
        bm3d = np.load(self.path('bm3d.npy'))
        self.assertEqual(n2s.n2s_evaluate(c.byref(Array.of(bm3d)), c.byref(Array.of(stack)), Options({'range': '200'}),
                                          c.byref(metrics), None), OK)
        self.assertEqual((metrics.psnr, metrics.ssim, metrics.nrmse, metrics.planes),
                         (printed['psnr'], printed['ssim'], printed['nrmse'], 9))

    def test_any_layout_and_type(self):
        plain = noisy().clip(0, 255).round()
        expected = self.restore(plain.copy(), Options(TRAINING))[1]
        wide = np.zeros((9, 96, 120), 'f4')
        layouts = {'fortran': np.asfortranarray(plain), 'reversed': plain[::-1, ::-1, ::-1].copy()[::-1, ::-1, ::-1],
                   'gaps': wide[:, ::2, ::3]}
        layouts['gaps'][:] = plain
        for name, stack in layouts.items():
            restored = np.full_like(stack, -1) if name != 'gaps' else np.full_like(wide, -1)[:, ::2, ::3]
            status = n2s.n2s_restore(c.byref(Array.of(stack)), c.byref(Array.of(restored)), Options(TRAINING), None, None)
            self.assertEqual(status, OK, n2s.n2s_last_error())
            np.testing.assert_array_equal(restored, expected, name)
        self.assertEqual(wide[0, 1, 1], 0)  # nothing between the samples is touched
        for dtype in ('u1', 'i2', 'i4', 'u8', 'f8'):
            status, restored = self.restore(plain.astype(dtype), Options(TRAINING))
            self.assertEqual(status, OK, n2s.n2s_last_error())
            rounded = expected if dtype == 'f8' else np.copysign(np.floor(np.abs(expected) + 0.5), expected)
            rounded = rounded.clip(0, None) if dtype[0] == 'u' else rounded
            np.testing.assert_array_equal(restored, rounded.astype(dtype), dtype)

    def test_planes_by_functions(self):
        stack = noisy(dtype='u2')
        expected = self.restore(stack, Options(TRAINING))[1]
        restored = np.zeros_like(stack)
        model = c.c_void_p()
        self.assertEqual(n2s.n2s_restore(c.byref(by_planes(stack)), c.byref(by_planes(restored)), Options(TRAINING), c.byref(model),
                                         None), OK, n2s.n2s_last_error())
        np.testing.assert_array_equal(restored, expected)
        large = noisy((40, 700, 610), 'u2')  # as float32 above 64 MiB: a few planes at a time
        whole, streamed = np.zeros_like(large), np.zeros_like(large)
        self.assertEqual(n2s.n2s_denoise(model, c.byref(Array.of(large)), c.byref(Array.of(whole)), None, None), OK)
        self.assertEqual(n2s.n2s_denoise(model, c.byref(by_planes(large)), c.byref(by_planes(streamed)), None, None), OK)
        np.testing.assert_array_equal(streamed, whole)
        n2s.n2s_model_destroy(model)
        self.fails(n2s.n2s_bm3d(c.byref(by_planes(stack, [4])), c.byref(by_planes(restored)), None, None), 'noisy', 'read planes')
        self.fails(n2s.n2s_bm3d(c.byref(by_planes(stack)), c.byref(by_planes(restored, [4])), None, None), 'restored', 'write planes')

    def test_channels_and_axes(self):
        stack = np.stack([noisy(seed=1), 3 * noisy(seed=2)], axis=-1)  # Z, Y, X, C
        model = c.c_void_p()
        status, restored = self.restore(stack, Options(TRAINING), 'ZYXC', model)
        self.assertEqual(status, OK, n2s.n2s_last_error())
        for channel in (0, 1):
            alone = self.restore(stack[..., channel], Options(TRAINING))[1]
            np.testing.assert_array_equal(restored[..., channel], alone)
        self.assertEqual(n2s.n2s_model_save(model, self.path('models').encode(), 0), OK)
        self.assertTrue(os.path.exists(self.path('models/channel1/model.safetensors')))
        n2s.n2s_model_destroy(model)
        self.fails(self.restore(stack, Options(TRAINING))[0], 'noisy', '4 dimensions')
        self.fails(self.restore(stack, Options(TRAINING), 'ZYXQ')[0], 'noisy', 'ZYXQ')

    def test_training_on_several_stacks_and_with_targets(self):
        stacks, targets = [noisy(seed=s) for s in (1, 2)], [noisy(seed=s) for s in (3, 4)]
        for name in ('a', 'b'):
            np.save(self.path(name + '.npy'), stacks['ab'.index(name)])
            np.save(self.path('target-' + name + '.npy'), targets['ab'.index(name)])
        words = [word for name, value in TRAINING.items() for word in ('--' + name, value)]
        self.run_n2s('train', self.path('a.npy'), self.path('b.npy'), '--target', self.path('target-a.npy'),
                     self.path('target-b.npy'), '-o', self.path('run'), '--planes', '3', *words)
        model, record = c.c_void_p(), c.c_void_p()
        status = n2s.n2s_train((Array * 2)(*map(Array.of, stacks)), c.c_size_t(2), (Array * 2)(*map(Array.of, targets)),
                               Options({**TRAINING, 'planes': '3'}), c.byref(model), c.byref(record))
        self.assertEqual(status, OK, n2s.n2s_last_error())
        self.assertEqual(json.loads(text_of(record))['steps'], 12)
        self.assertEqual(n2s.n2s_model_save(model, self.path('m.safetensors').encode(), 0), OK)
        with open(self.path('m.safetensors'), 'rb') as a, open(self.path('run/model.safetensors'), 'rb') as b:
            self.assertEqual(a.read(), b.read())
        n2s.n2s_model_destroy(model)

    def test_errors_are_texts(self):
        tempfile.tempdir = os.environ['TMPDIR'] = self.folder.name  # the library's files as well
        self.addCleanup(os.environ.pop, 'TMPDIR')
        self.addCleanup(setattr, tempfile, 'tempdir', None)
        stack = noisy()
        self.fails(self.restore(stack, Options({'steps': 'many'}))[0], '--steps', 'many', code=USAGE)
        self.fails(self.restore(stack, Options({'stepz': '5'}))[0], 'stepz', code=USAGE)
        self.fails(self.restore(stack, Options({'output': '/tmp/x.tif'}))[0], 'output', code=USAGE)
        self.fails(self.restore(stack, Options({'--help': None}))[0], '--help', code=USAGE)
        self.fails(self.restore(noisy((9, 8, 8)), Options(TRAINING))[0], 'noisy: planes of 8x8 pixels are too small')
        self.fails(self.restore(noisy((1, 48, 40)), Options(TRAINING))[0], 'noisy', 'at least 3 are needed')
        self.fails(self.restore(stack, Options({**TRAINING, 'device': 'cuda:77'}))[0], 'cuda')
        self.fails(n2s.n2s_restore(None, None, None, None, None), 'noisy', code=USAGE)
        small = np.zeros((9, 48, 39), 'f4')
        self.fails(n2s.n2s_bm3d(c.byref(Array.of(stack)), c.byref(Array.of(small)), None, None), 'restored', 'X=39', 'X=40')
        self.fails(n2s.n2s_bm3d(c.byref(Array.of(stack)), c.byref(Array.of(stack[::-1])), None, None), 'shares memory', code=USAGE)
        wrong = Array.of(stack)
        wrong.type = 99
        self.fails(n2s.n2s_inspect(c.byref(wrong), None, None), '99', code=USAGE)
        self.fails(n2s.n2s_model_load(b'/nowhere/model.safetensors', c.byref(c.c_void_p())), '/nowhere')
        stack[3] = np.nan
        self.fails(self.restore(stack, Options(TRAINING))[0], 'noisy', 'plane 3')
        self.assertEqual(os.listdir(self.folder.name), [])

    def test_progress_notes_and_cancelling(self):
        seen, notes, steps = [], [], []
        report = lambda p: (seen.append((p.stage, p.done, p.total)), steps.append(p.done) if p.stage == b'training' else None)
        status, _ = self.restore(noisy(), Options(TRAINING, report, notes.append))
        self.assertEqual(status, OK, n2s.n2s_last_error())
        self.assertIn((b'training', 12, 12), seen)
        self.assertIn((b'restoring', 9, 9), seen)
        self.assertTrue(any('parameters' in note for note in notes) and not any('\n' in note for note in notes), notes)
        steps.clear()
        model = c.c_void_p()
        endless = Options({**TRAINING, 'steps': '1000000'}, report, cancel=lambda: steps and steps[-1] >= 5)
        self.fails(self.restore(noisy(), endless, model=model)[0], 'interrupted after step', code=CANCELLED)
        self.assertTrue(model)  # what was learned
        restored = np.zeros((9, 48, 40), 'f4')
        self.assertEqual(n2s.n2s_denoise(model, c.byref(Array.of(noisy())), c.byref(Array.of(restored)), None, None), OK)
        self.assertGreater(restored.std(), 1)
        n2s.n2s_model_destroy(model)
        self.fails(n2s.n2s_bm3d(c.byref(Array.of(noisy())), c.byref(Array.of(restored)), Options(cancel=lambda: 1),
                                None), 'interrupted', code=CANCELLED)

    def test_warnings_reach_the_caller(self):
        far = (noisy() + 1e9).astype('i8')
        restored, notes = np.zeros_like(far), []
        for options, expected in ((None, True), (Options({}), True), (Options({}, note=notes.append), False)):
            with tempfile.TemporaryFile() as file:
                kept = os.dup(2)
                os.dup2(file.fileno(), 2)
                try:
                    status = n2s.n2s_bm3d(c.byref(Array.of(far)), c.byref(Array.of(restored)), options, None)
                finally:
                    os.dup2(kept, 2)
                    os.close(kept)
                self.assertEqual(status, OK, n2s.n2s_last_error())
                file.seek(0)
                self.assertEqual(b'n2s: warning: noisy: values from' in file.read(), expected)
        self.assertTrue(any(note.startswith('warning: noisy: values from') for note in notes), notes)

    def test_a_call_within_a_callback(self):
        stack, inner = noisy(), []

        def report(progress):
            if progress.done >= 3 and not inner:
                inner.append(np.zeros_like(stack))
                assert n2s.n2s_bm3d(c.byref(Array.of(stack)), c.byref(Array.of(inner[0])), None, None) == OK

        status, restored = self.restore(stack, Options(TRAINING, report))
        self.assertEqual(status, OK, n2s.n2s_last_error())
        np.testing.assert_array_equal(restored, self.restore(stack, Options(TRAINING))[1])
        self.assertGreater(inner[0].std(), 1)

    def test_several_threads(self):
        expected, results = {}, {}
        for seed in (1, 2, 3):
            expected[seed] = self.restore(noisy(seed=seed), Options({**TRAINING, 'threads': '1'}))[1]
        errors = {}

        def work(seed):
            results[seed] = self.restore(noisy(seed=seed), Options({**TRAINING, 'threads': '1'}))[1]
            n2s.n2s_model_load(b'/nowhere/%d' % seed, c.byref(c.c_void_p()))
            errors[seed] = n2s.n2s_last_error().decode()

        threads = [threading.Thread(target=work, args=[seed]) for seed in expected]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        for seed in expected:
            np.testing.assert_array_equal(results[seed], expected[seed])
            self.assertIn('/nowhere/%d' % seed, errors[seed])

    def test_devices_inspection_and_version(self):
        text = c.c_void_p()
        self.assertEqual(n2s.n2s_devices(c.byref(text)), OK)
        self.assertIn('name', json.loads(text_of(text))['cpu'])
        stack = noisy()
        self.assertEqual(n2s.n2s_inspect(c.byref(Array.of(stack)), None, c.byref(text)), OK, n2s.n2s_last_error())
        self.assertIn('advice', text_of(text))
        self.assertRegex(n2s.n2s_version().decode(), r'^\d+\.\d+\.\d+$')


unittest.main()
