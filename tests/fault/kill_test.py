#!/usr/bin/env python3
"""Kills training and restoring at random moments, as a power cut or a batch system does, and continues. Nothing that was
saved is lost, and what comes out in the end is bit for bit what an undisturbed run gives.

usage: kill_test.py N2S [KILLS [SEED]]    (default: 200 kills)
"""
import json, os, random, shutil, signal, subprocess, sys, tempfile, time

N2S = os.path.abspath(sys.argv[1])
KILLS = int(sys.argv[2]) if len(sys.argv) > 2 else 200
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
TRAINING = ['--steps', '40', '--batch', '2', '--crop', '32', '--net', 'microscopy', '--planes', '2', '--threads', '1',
            '--validation-planes', '1', '--quiet']
VERBS = {'train': (['train', 'noisy.nii', '-o', 'run', '--keep', 'best', *TRAINING], None),
         'restore': (['restore', 'noisy.nii', '-o', 'out.nii', '--run', 'run', *TRAINING], 'out.nii')}


def contents(folder, name):
    with open(os.path.join(folder, name), 'rb') as f:
        return f.read()


def records(folder):
    """The log without the times."""
    lines = [json.loads(line) for line in contents(folder, 'run/log.jsonl').splitlines()]
    return [{key: value for key, value in line.items() if key != 'seconds'} for line in lines]


def saved_step(folder):
    """The step that the run would continue from; -1 where there is none. A file that cannot be read ends the test."""
    if not os.path.exists(os.path.join(folder, 'run/state.safetensors')):
        return -1
    for name in ('last', 'model', 'state'):
        path = f'run/{name}.safetensors'
        done = subprocess.run([N2S, 'info', path, '--json'], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, f'{path}: {done.stderr}'
    data = contents(folder, 'run/state.safetensors')
    header = json.loads(data[8:8 + int.from_bytes(data[:8], 'little')])
    return json.loads(header['__metadata__']['noise2stack_state'])['step']


class Job:
    """One verb, from its start to its end, however often it is killed."""

    def __init__(self, root, verb):
        self.words, self.output = VERBS[verb]
        self.verb = verb
        self.root = root
        self.expected = self.undisturbed()

    def folder(self, name):
        path = os.path.join(self.root, name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        shutil.copy(os.path.join(self.root, 'noisy.nii'), path)
        return path

    def results(self, folder):
        names = ['run/last.safetensors', 'run/model.safetensors', 'run/state.safetensors'] + ([self.output] if self.output else [])
        return {name: contents(folder, name) for name in names}, records(folder)

    def undisturbed(self):
        folder = self.folder(self.verb + '-whole')
        begin = time.monotonic()
        subprocess.run([N2S, *self.words], cwd=folder, check=True)
        self.seconds = time.monotonic() - begin
        return self.results(folder)

    def run(self, draw, most):
        """The number of kills."""
        folder = self.folder(self.verb + '-killed')
        kills, step = 0, -1
        while True:
            words = self.words + (['--resume'] if step >= 0 else [])
            process = subprocess.Popen([N2S, *words], cwd=folder, stderr=subprocess.PIPE, text=True)
            try:
                _, errors = process.communicate(timeout=draw.uniform(0, self.seconds) if kills < most else 600)
                assert process.returncode == 0, f'{words}: {errors}'
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
            now = saved_step(folder)
            assert now >= step, f'step {step} was saved, and step {now} is there now'
            step = now
            if self.output and os.path.exists(os.path.join(folder, self.output)):
                assert contents(folder, self.output) == self.expected[0][self.output], 'a part of the output was written'
                break  # killed after its work was done
        results, log = self.results(folder)
        for name, content in self.expected[0].items():
            assert results[name] == content, f'{name} differs from that of an undisturbed run'
        assert log == self.expected[1], 'the log differs from that of an undisturbed run'
        return kills


def main():
    with tempfile.TemporaryDirectory(prefix='n2s-kill-') as root:
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools'))
        sys.argv = ['', N2S]
        import program
        noise = random.Random(1)
        program.nifti(os.path.join(root, 'noisy.nii'), 8, 32, 32, lambda p, r, c: program.clean(p, r, c) + noise.gauss(0, 20))
        draw = random.Random(SEED)
        jobs = [Job(root, verb) for verb in VERBS]
        kills = runs = 0
        while kills < KILLS:
            kills += jobs[runs % len(jobs)].run(draw, KILLS - kills)
            runs += 1
        print(f'{kills} kills in {runs} runs (seed {SEED}): nothing lost, every end as undisturbed')


main()
