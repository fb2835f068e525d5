"""The installed package: the same bits as the program's, any array, errors, callbacks, Ctrl-C, examples of docstrings.

usage: test_noise2stack.py N2S    (the program)
"""
import copy, doctest, gc, locale, os, pickle, signal, subprocess, sys, tempfile, threading, time, unittest, unittest.mock, warnings

import numpy as np

import noise2stack

N2S = os.path.abspath(sys.argv.pop(1))
TRAINING = {'steps': 12, 'batch': 4, 'crop': 32, 'threads': 2, 'net': 'microscopy'}
WORDS = [word for name, value in TRAINING.items() for word in ('--' + name, str(value))]


def noisy(shape=(9, 48, 40), dtype='f4', seed=0):
    planes, rows, columns = np.indices(shape)
    values = 100 + 60 * np.sin(rows / 5 + planes / 9) * np.cos(columns / 6)
    return (values + np.random.default_rng(seed).normal(0, 15, shape)).astype(dtype)


STACK = noisy()


class OfArray:
    """Only __array__."""
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


class OfDlpack:
    """Only DLPack."""
    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnDisk:
    """Like an array of Zarr or h5py; counts what is read at once."""
    def __init__(self, array):
        self.array, self.shape, self.dtype, self.most = array, array.shape, array.dtype, 0

    def __getitem__(self, place):
        part = self.array[place]
        self.most = max(self.most, part.nbytes)
        return part

    def __setitem__(self, place, values):
        self.array[place] = values


class Package(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder.name)

    def run_n2s(self, *words):
        subprocess.run([N2S, *words, '--quiet'], check=True)

    def test_the_same_bits_as_the_program(self):
        stack = noisy(dtype='u2')
        np.save('noisy.npy', stack)
        self.run_n2s('restore', 'noisy.npy', '-o', 'restored.npy', *WORDS)
        restored, model = noise2stack.restore(stack, return_model=True, **TRAINING)
        np.testing.assert_array_equal(restored, np.load('restored.npy'))
        self.assertEqual((restored.dtype, model.record['steps']), (stack.dtype, 12))
        model.save('model.safetensors')
        self.assertRaisesRegex(noise2stack.Error, 'model.safetensors: .*exists', model.save, 'model.safetensors')
        loaded = noise2stack.Model.load('model.safetensors')
        self.assertIsNone(loaded.record)
        self.assertEqual(loaded.describe()['network'], 'microscopy')
        np.testing.assert_array_equal(loaded.denoise(stack), restored)
        np.testing.assert_array_equal(noise2stack.denoise('model.safetensors', stack), restored)
        for method in ('bm3d', 'nlm'):
            self.run_n2s(method, 'noisy.npy', '-o', method + '.npy')
            np.testing.assert_array_equal(getattr(noise2stack, method)(stack), np.load(method + '.npy'))
        self.run_n2s('train', 'noisy.npy', '-o', 'run', *WORDS, '--flips')
        noise2stack.train(stack, flips=True, **TRAINING).save('trained.safetensors')
        with open('run/model.safetensors', 'rb') as a, open('trained.safetensors', 'rb') as b:
            self.assertEqual(a.read(), b.read())

    def test_any_array(self):
        plain = noisy().round()
        expected = noise2stack.restore(plain, **TRAINING)
        np.save('plain.npy', plain)
        read_only = plain.copy()
        read_only.flags.writeable = False
        for name, stack in {'big-endian': plain.astype('>f4'), 'fortran': np.asfortranarray(plain), 'read-only': read_only,
                            'reversed': plain[::-1].copy()[::-1], 'mapped': np.load('plain.npy', mmap_mode='r'),
                            '__array__': OfArray(plain), 'DLPack': OfDlpack(plain)}.items():
            restored = noise2stack.restore(stack, **TRAINING)
            np.testing.assert_array_equal(restored, expected, name)
            self.assertIs(type(restored), np.ndarray)
            if isinstance(stack, np.ndarray):
                self.assertEqual(restored.dtype, stack.dtype, name)
        np.testing.assert_array_equal(noise2stack.restore(np.moveaxis(plain, 0, 2), axis=2, **TRAINING), np.moveaxis(expected, 0, 2))
        np.testing.assert_array_equal(noise2stack.restore(np.moveaxis(plain, 0, 2), -1, **TRAINING), np.moveaxis(expected, 0, 2))
        out = np.zeros((9, 48, 80), 'f8')[:, :, ::2]
        self.assertIs(noise2stack.restore(plain, out=out, **TRAINING), out)
        np.testing.assert_array_equal(out, expected)
        image = noise2stack.bm3d(plain[0], sigma=15)
        self.assertEqual(image.shape, plain[0].shape)
        two = noise2stack.restore(np.stack([plain, 2 * plain], 1), axes='zcyx', **TRAINING)
        np.testing.assert_array_equal(two[:, 0], expected)

    def test_a_network_for_each_channel(self):
        stack = np.stack([noisy(), noisy(seed=1)])
        model = noise2stack.train([stack], axes='CZYX', **TRAINING)
        self.assertEqual(repr(model), '<noise2stack.Model, a network for each of 2 channels>')
        with self.assertRaisesRegex(noise2stack.Error, '1 channel.*each of 2'):
            model.denoise(stack[1])
        model.save('channels')
        one = noise2stack.Model.load('channels/channel1')
        self.assertEqual(repr(one), '<noise2stack.Model microscopy, noise2stack>')
        restored = model.denoise(stack, axes='CZYX')
        np.testing.assert_array_equal(one.denoise(stack[1]), restored[1])
        for kept in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
            np.testing.assert_array_equal(kept.denoise(stack, axes='CZYX'), restored)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(one)).denoise(stack[1]), restored[1])

    def test_large_arrays_are_read_plane_by_plane(self):
        model = noise2stack.train(noisy(), **TRAINING)
        large = noisy((40, 700, 610), '>u2')  # as float32 above 64 MiB: the engine asks for a few planes at a time
        self.addCleanup(setattr, noise2stack, '_LARGE', noise2stack._LARGE)
        noise2stack._LARGE = 1 << 16
        expected = model.denoise(large.astype('u2'))
        source, target = OnDisk(large), OnDisk(np.zeros_like(large))
        self.assertIs(model.denoise(source, out=target), target)
        np.testing.assert_array_equal(target.array, expected)
        self.assertLess(source.most, large.nbytes / 2)
        first = large[:8, :100, :90]
        channels = OnDisk(np.stack([first, first[::-1]], 1))
        restored = model.denoise(channels, axes='ZCYX')
        np.testing.assert_array_equal(restored[:, 0], model.denoise(first.astype('u2')))
        class Broken(OnDisk):
            def __getitem__(self, place):
                raise OSError('the disk is gone')

        self.assertRaisesRegex(OSError, 'the disk is gone', model.denoise, Broken(large))

        class Interrupting(OnDisk):
            """Ctrl-C while planes are read."""
            came = False

            def __getitem__(self, place):
                if not self.came:
                    self.came = True
                    signal.raise_signal(signal.SIGINT)
                return super().__getitem__(place)

        self.assertRaises(noise2stack.Interrupted, model.denoise, Interrupting(large))
        self.assertRaisesRegex(ValueError, 'ZYXC', model.denoise, OnDisk(np.moveaxis(channels.array, 1, 3)), axes='ZYXC')

    def test_errors(self):
        for wrong, error, text in (({'steps': 'many'}, ValueError, 'many'), ({'stepz': 5}, ValueError, 'stepz'),
                                   ({'device': 'cuda:77'}, noise2stack.Error, 'cuda'), ({'axes': 'ZYQ'}, noise2stack.Error, 'ZYQ'),
                                   ({'out': np.zeros(3)}, ValueError, 'out'), ({'out': STACK}, ValueError, 'shares memory'), ({'axis': 3}, ValueError, 'axis=3.*3 dimensions'),
                                   ({'axis': 0, 'axes': 'ZYX'}, ValueError, 'axis and axes'), ({'out': np.zeros(STACK.shape, 'u1')}, TypeError, 'uint8.*float32')):
            with self.assertRaisesRegex(error, text, msg=wrong):
                noise2stack.restore(STACK, **{**TRAINING, **wrong})
        self.assertRaisesRegex(TypeError, 'complex64', noise2stack.bm3d, noisy() * 1j)
        self.assertRaisesRegex(TypeError, 'object', noise2stack.bm3d, np.array([[None]]))
        masked = np.ma.masked_greater(STACK, 150)
        for stack in (masked, OfArray(masked)):
            self.assertRaisesRegex(TypeError, 'masked', noise2stack.bm3d, stack)
        with unittest.mock.patch.object(noise2stack, '_LARGE', 1):  # read plane by plane
            self.assertRaisesRegex(TypeError, 'masked', noise2stack.bm3d, OnDisk(masked))
        self.assertEqual(noise2stack.bm3d(np.ma.masked_greater(STACK, 1e6)).shape, STACK.shape)
        self.assertRaisesRegex(ValueError, 'CZYX', noise2stack.restore, np.zeros((2, 9, 48, 40)))
        self.assertRaisesRegex(noise2stack.Error, 'too small', noise2stack.restore, noisy((9, 8, 8)))
        self.assertRaisesRegex(noise2stack.Error, '/nowhere', noise2stack.Model.load, '/nowhere/m.safetensors')
        self.assertRaisesRegex(noise2stack.Error, 'result has|same size', noise2stack.evaluate, noisy(), noisy((9, 48, 39)))
        self.assertRaisesRegex(ValueError, 'targets', noise2stack.train, [noisy(), noisy()], targets=[noisy()])

    def test_callbacks(self):
        seen, notes = [], []
        noise2stack.restore(noisy(), progress=seen.append, note=notes.append, **TRAINING)
        self.assertIn(('training', 'steps', 12, 12), [tuple(p[:4]) for p in seen])
        self.assertEqual(seen[-1][:4], ('restoring', 'planes', 9, 9))
        self.assertTrue(any('parameters' in note for note in notes), notes)
        seen.clear()  # how many steps fit into some minutes is not known at first
        noise2stack.restore(noisy(), progress=seen.append, **{**TRAINING, 'steps': None, 'minutes': 0.03})
        ends = [p.stage for p in seen if p.done >= p.total]
        self.assertEqual(ends, ['training', 'restoring'], seen)

        class Bar:
            made = []

            def __init__(self, total, desc, unit):
                self.total, self.desc, self.n, self.closed = total, desc, 0, False
                self.made.append(self)

            def update(self, n):
                self.n += n

            def set_postfix_str(self, text, refresh):
                self.text = text

            def close(self):
                self.closed = True

        noise2stack.restore(noisy(), progress=noise2stack.bars(Bar), **TRAINING)
        self.assertEqual([(bar.desc, bar.n, bar.closed) for bar in Bar.made], [('training', 12, True), ('restoring', 9, True)])
        with self.assertRaises(ZeroDivisionError):
            noise2stack.restore(noisy(), progress=lambda p: 1 / 0, **TRAINING)

    def test_warnings_are_pythons_or_notes(self):
        far, notes = (noisy() + 1e9).astype('i8'), []
        for call in (lambda: noise2stack.bm3d(far), lambda: noise2stack.inspect(far), lambda: noise2stack.evaluate(far, far, range=100),
                     lambda: noise2stack.train([far], **TRAINING), lambda: noise2stack.restore(far, **TRAINING)):
            with self.assertWarnsRegex(UserWarning, '^(noisy|stack|result|truth).*: values from 1') as caught:
                call()
            self.assertEqual(os.path.abspath(caught.filename), os.path.abspath(__file__))
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            noise2stack.bm3d(far, note=notes.append)
        self.assertTrue(any(note.startswith('warning: noisy: values') for note in notes), notes)

    def test_few_counts_keep_their_fractions_in_an_array_of_floats(self):
        counts = np.random.default_rng(0).poisson(3, (4, 32, 32)).astype('u1')
        with self.assertWarnsRegex(UserWarning, 'rounded to uint8 .* an array of floats'):
            rounded = noise2stack.bm3d(counts)
        exact = np.empty(counts.shape, 'f4')
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            noise2stack.bm3d(counts, out=exact)
        self.assertTrue((rounded == np.rint(exact)).all() and (exact != rounded).any())
        with self.assertRaisesRegex(noise2stack.Error, 'array of uint8, not of float32'):
            noise2stack.bm3d(counts, float=True)

    @unittest.skipUnless('LOCPATH' in os.environ, 'python_test makes a German locale')
    def test_numbers_have_points_whatever_the_locale(self):
        """As Qt sets it, and with it napari, where the user's language writes 6,5."""
        expected = noise2stack.nlm(noisy(), h=6.5)
        before = locale.setlocale(locale.LC_ALL)
        self.addCleanup(locale.setlocale, locale.LC_ALL, before)
        locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')
        self.assertEqual(locale.str(6.5), '6,5')
        self.assertTrue((noise2stack.nlm(noisy(), h=6.5) == expected).all())
        model = noise2stack.train(noisy(), learning_rate=0.004, **TRAINING)
        self.assertEqual(model.record['settings']['learning_rate'], 0.004)
        self.assertEqual(locale.str(6.5), '6,5')

    def test_the_gil_is_released(self):
        counts, stop = [0], threading.Event()

        def count():
            while not stop.is_set():
                counts[0] += 1
                time.sleep(0.001)

        thread = threading.Thread(target=count)
        thread.start()
        noise2stack.restore(noisy(), **{**TRAINING, 'steps': 40})
        during = counts[0]
        stop.set()
        thread.join()
        self.assertGreater(during, 20)

    def test_ctrl_c_keeps_what_was_learned(self):
        began = threading.Event()

        def interrupt():
            began.wait()
            os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with self.assertRaises(noise2stack.Interrupted) as stopped:
            noise2stack.restore(noisy(), progress=lambda p: p.done > 3 and began.set(), **{**TRAINING, 'steps': 10 ** 6})
        thread.join()
        self.assertIsInstance(stopped.exception, KeyboardInterrupt)
        self.assertGreater(stopped.exception.model.denoise(noisy()).std(), 1)

    def test_ctrl_c_within_a_callback(self):
        """Python may notice the signal while it runs the callback."""
        def interrupt(p):
            if p.done > 3:
                signal.raise_signal(signal.SIGINT)

        with self.assertRaises(noise2stack.Interrupted) as stopped:
            noise2stack.restore(noisy(), progress=interrupt, **{**TRAINING, 'steps': 10 ** 6})
        self.assertGreater(stopped.exception.model.denoise(noisy()).std(), 1)

    def test_no_folder_is_left(self):
        os.environ['TMPDIR'] = self.folder.name
        self.addCleanup(os.environ.pop, 'TMPDIR')
        model = noise2stack.train(noisy(), **TRAINING)
        self.assertEqual(len(os.listdir()), 1)  # the model's
        del model
        gc.collect()
        self.assertEqual(os.listdir(), [])

    def test_examples_of_docstrings(self):
        examples = {'noisy': noisy()}
        failed, tried = doctest.testmod(noise2stack, extraglobs={**examples, 'noise2stack': noise2stack})
        self.assertEqual(failed, 0)
        self.assertGreater(tried, 10)

    def test_import_time(self):
        """At most 50 ms beyond NumPy's own; the best of five."""
        code = 'import time, numpy; t = time.perf_counter(); import noise2stack; print(time.perf_counter() - t)'
        times = [float(subprocess.run([sys.executable, '-c', code], check=True, capture_output=True).stdout) for _ in range(5)]
        self.assertLess(min(times), 0.05)


unittest.main()
