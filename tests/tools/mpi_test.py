#!/usr/bin/env python3
"""Several processes that mpirun starts: the same results as of one, and what becomes of a run that loses one of them.

usage: mpi_test.py N2S    (the program, with n2s_mpi.so beside it)
"""
import json, math, os, random, shutil, signal, struct, subprocess, time, unittest

from program import N2S, ProgramTest, clean, nifti

# Root is refused by Open MPI otherwise, as is more than one process per core.
LAUNCH = ['mpirun', '--allow-run-as-root', '--oversubscribe', '-n']
SMALL = ('--crop', '32', '--threads', '1')


def parameters(path):
    with open(path, 'rb') as file:
        data = file.read()
    length = struct.unpack_from('<Q', data)[0]
    tensors = json.loads(data[8:8 + length])
    values = []
    for name in sorted(set(tensors) - {'__metadata__'}):
        begin, end = tensors[name]['data_offsets']
        values += struct.unpack(f'<{(end - begin) // 4}f', data[8 + length + begin:8 + length + end])
    return values


def log_of(run):
    with open(run + '/log.jsonl') as file:
        return [json.loads(line) for line in file]


def difference(path, other):
    """Root mean square over all parameters."""
    a, b = parameters(path), parameters(other)
    return math.sqrt(sum((x - y)**2 for x, y in zip(a, b, strict=True)) / len(a))


class Ranks(ProgramTest):
    def setUp(self):
        super().setUp()
        noise = random.Random(2)
        self.stack = self.path('stack.nii')
        nifti(self.stack, 12, 48, 40, lambda p, r, c: clean(p, r, c) + noise.gauss(0, 3))

    def together(self, count, *words):
        done = subprocess.run([*LAUNCH, str(count), N2S, *words], capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def start(self, count, *words):
        return subprocess.Popen([*LAUNCH, str(count), N2S, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_for(self, path, seconds=60):
        end = time.monotonic() + seconds
        while not os.path.exists(path):
            self.assertLess(time.monotonic(), end, path)
            time.sleep(0.05)

    def test_two_and_four_train_like_one(self):
        words = ('train', self.stack, '--net', 'microscopy', '--steps', '20', '--learning-rate', '0.001', *SMALL)
        self.assertEqual(self.run_n2s(*words, '-o', self.path('1')).returncode, 0)
        for count in (2, 4):
            for name in (f'{count}', f'{count}again'):
                done = self.together(count, *words, '-o', self.path(name))
                self.assertEqual(done.stderr.count('trained; try'), 1)  # rank 0 alone speaks
            one, several, again = (self.path(f'{name}/last.safetensors') for name in ('1', count, f'{count}again'))
            self.assertLess(difference(one, several), 1e-5)
            with open(several, 'rb') as file, open(again, 'rb') as other:
                self.assertEqual(file.read(), other.read())
        for a, b in zip(log_of(self.path('1')), log_of(self.path('4')), strict=True):
            self.assertAlmostEqual(a['loss'], b['loss'], delta=1e-3 * a['loss'])

    def test_a_run_goes_on_with_other_numbers_of_ranks(self):
        words = ('train', self.stack, '--net', 'microscopy', '--steps', '400', '--learning-rate', '0.001', *SMALL, '-o', self.path('run'))
        for count, resume in ((4, ()), (2, ('--resume',))):
            run = self.start(count, *words, *resume)
            self.wait_for(self.path('run/state.safetensors'))
            time.sleep(3)
            run.send_signal(signal.SIGINT)
            error = run.communicate(timeout=60)[1]
            self.assertEqual(error.count('everything is saved'), 1, error)
        done = self.run_n2s(*words, '--resume', '--json')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('resuming after step', done.stderr)
        self.assertEqual(json.loads(done.stdout)['steps'], 400)
        steps = [record['step'] for record in log_of(self.path('run'))]
        self.assertEqual(steps, sorted(set(steps)))

    def test_a_rank_that_is_killed_ends_the_others_and_loses_nothing(self):
        words = ('train', self.stack, '--net', 'microscopy', '--steps', '5000', *SMALL, '-o', self.path('run'))
        run = self.start(3, *words)
        self.wait_for(self.path('run/state.safetensors'))
        time.sleep(3)
        ranks = [int(pid) for pid in subprocess.run(['pgrep', '-f', self.path('run')], capture_output=True, text=True).stdout.split()]
        self.assertEqual(len(ranks), 4)  # with mpirun
        os.kill(max(ranks), signal.SIGKILL)
        error = run.communicate(timeout=60)[1]
        self.assertNotEqual(run.returncode, 0)
        self.assertIn('n2s: error: ', error)
        saved = int(error.split('after step ')[1].split(' ')[0])
        self.assertGreater(saved, 0)
        self.assertIn('--resume', error)
        again = self.start(2, *words, '--resume')
        while 'resuming' not in (line := again.stderr.readline()):
            self.assertTrue(line)
        self.assertIn(f'after step {saved} of 5000', line)
        again.send_signal(signal.SIGINT)
        again.communicate(timeout=60)

    def test_voxels_lie_in_the_memories_of_all(self):
        planes, side = 24, 900
        noise = random.Random(3)
        row = [int(500 + 300 * math.sin(i / 9) + noise.gauss(0, 30)) for i in range(side * side + planes)]
        big = self.path('big.npy')
        header = f"{{'descr': '<u2', 'fortran_order': False, 'shape': ({planes}, {side}, {side}), }}".ljust(117) + '\n'
        with open(big, 'wb') as file:
            file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
            for plane in range(planes):
                file.write(struct.pack(f'<{side * side}H', *row[plane:plane + side * side]))
        words = ('train', big, '--net', 'microscopy', '--steps', '5', '--learning-rate', '0.001', *SMALL)
        self.assertEqual(self.run_n2s(*words, '-o', self.path('1')).returncode, 0)
        self.together(3, *words, '-o', self.path('3'))
        # Half of the planes in memory, a third of those with each rank; the others on disk.
        self.together(3, *words, '-o', self.path('disk'), '--memory', '0.012')
        for name in ('3', 'disk'):
            self.assertLess(difference(self.path('1/last.safetensors'), self.path(f'{name}/last.safetensors')), 1e-5)

    def test_other_verbs_give_the_same_bits(self):
        run = self.path('run')
        self.json_of('train', self.stack, '-o', run, '--net', 'microscopy', '--steps', '20', '--batch', '4', *SMALL)
        for words in (('denoise', run, self.stack), ('bm3d', self.stack, '--sigma', '3'), ('nlm', self.stack, '--sigma', '3')):
            one, several = self.path(f'{words[0]}1.nii'), self.path(f'{words[0]}3.nii')
            self.assertEqual(self.run_n2s(*words, '-o', one).returncode, 0)
            self.together(3, *words, '-o', several)
            with open(one, 'rb') as file, open(several, 'rb') as other:
                self.assertEqual(file.read(), other.read(), words[0])
        words = ('evaluate', self.path('denoise1.nii'), self.stack, '--range', '100', '--json')
        self.assertEqual(json.loads(self.together(5, *words).stdout), json.loads(self.run_n2s(*words).stdout))

    def test_files_are_shared_out_and_every_warning_is_heard(self):
        run = self.path('run')
        self.json_of('train', self.stack, '-o', run, '--net', 'microscopy', '--steps', '5', '--batch', '2', *SMALL)
        noise = random.Random(4)
        nifti(self.path('noisier.nii'), 12, 48, 40, lambda p, r, c: clean(p, r, c) + noise.gauss(0, 40))
        files = [self.stack, self.path('noisier.nii'), self.noisy]
        one = json.loads(self.run_n2s('denoise', run, *files, '-o', self.path('one'), '--json').stdout)
        done = self.together(2, 'denoise', run, *files, '-o', self.path('two'), '--json', '--quiet')
        self.assertEqual(json.loads(done.stdout.replace(self.path('two'), self.path('one'))), one)
        self.assertIn('warning: ' + files[1], done.stderr)  # by rank 1
        for name in map(os.path.basename, files):
            with open(self.path('one/' + name), 'rb') as file, open(self.path('two/' + name), 'rb') as other:
                self.assertEqual(file.read(), other.read())

    def test_what_cannot_work_is_refused_once(self):
        def refused(count, *words, program=N2S):
            done = subprocess.run([*LAUNCH, str(count), program, *words], capture_output=True, text=True, timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(done.stderr.count('n2s: error: '), 1, done.stderr)
            return done.stderr

        self.assertIn('works as one process', refused(2, 'restore', self.stack, '-o', self.path('x.nii')))
        alone = subprocess.run([*LAUNCH, '2', '-x', 'N2S_ALONE=1', N2S, 'info', self.stack], capture_output=True, text=True, timeout=60)
        self.assertEqual((alone.returncode, alone.stdout.count('48')), (0, 2 * self.run_n2s('info', self.stack).stdout.count('48')))
        self.assertIn('--batch 2', refused(3, 'train', self.stack, '-o', self.path('run'), '--batch', '2', '--steps', '3'))
        self.assertIn('cannot open', refused(2, 'train', self.path('none.nii'), '-o', self.path('run'), '--steps', '3'))
        lonely = shutil.copy(N2S, self.path('n2s'))
        self.assertIn('without MPI', refused(2, 'train', self.stack, '-o', self.path('run'), '--steps', '3', program=lonely))
        # A node with another file of the same name.
        other = self.path('other.sh')
        with open(other, 'w') as script:
            script.write(f'#!/bin/sh\ntest $OMPI_COMM_WORLD_RANK = 0 && data={self.stack} || data={self.noisy}\n'
                         f'exec {N2S} train $data -o {self.path("run")} --steps 3 --crop 32\n')
        os.chmod(other, 0o755)
        self.assertIn('the training data of rank 1', refused(2, program=other))


unittest.main()
