#!/usr/bin/env python3
"""Every call of the system that a verb makes on its files fails once, and from then on: opening, reading, writing, syncing,
renaming, allocating. Each time the program ends with one line that says what failed, the old output is whole, and no temporary
file is left.

usage: fault_test.py N2S LIBRARY [MOST]    (LIBRARY: failing_calls.c, built; MOST: calls of a kind that fail, default 60)
"""
import os, shutil, subprocess, sys, tempfile

N2S, LIBRARY = map(os.path.abspath, sys.argv[1:3])
MOST = int(sys.argv[3]) if len(sys.argv) > 3 else 60
SHORT = ['--steps', '3', '--batch', '2', '--crop', '32', '--net', 'microscopy', '--planes', '2', '--threads', '1', '--quiet']


def files_below(folder):
    return {os.path.relpath(os.path.join(path, name), folder): open(os.path.join(path, name), 'rb').read()
            for path, _, names in os.walk(folder) for name in names}


def run(words, folder, call=None, at=0, ever=False):
    """Exit code, standard error, and whether the call failed."""
    mark = folder + '.mark'
    environment = {**os.environ, 'CUDA_VISIBLE_DEVICES': ''}
    if call:
        environment.update(LD_PRELOAD=LIBRARY, N2S_FAIL_CALL=call, N2S_FAIL_AT=str(at), N2S_FAIL_FOLDER=folder, N2S_FAIL_MARK=mark)
        if ever:
            environment['N2S_FAIL_EVER'] = '1'
    done = subprocess.run([N2S, *words], capture_output=True, text=True, env=environment, cwd=folder, timeout=300)
    failed = os.path.exists(mark)
    if failed:
        os.remove(mark)
    return done.returncode, done.stderr, failed


def problems_of(code, errors, before, after, expected, outputs):
    """What is wrong after a call has failed."""
    wrong = []
    if code not in (0, 1):
        wrong.append(f'exit code {code}')
    errors = ''.join(line + '\n' for line in errors.splitlines() if not line.startswith('warning: '))
    if code == 1 and (errors.count('\n') != 1 or not errors.startswith('n2s: error: ')):
        wrong.append(f'standard error: {errors!r}')
    if code == 0 and any(after.get(name) != expected[name] for name in outputs):
        wrong.append('success, but with another result')
    for name, content in before.items():
        if after.get(name) != content and not (name in outputs and after.get(name) == expected.get(name)):
            wrong.append(f'{name} is neither the old file nor the new one')
    wrong += [f'{name} is left' for name in after if '.tmp' in name]
    return wrong


def main():
    # In shared memory: a failing disk is what is tested, not a slow one.
    root = tempfile.mkdtemp(prefix='n2s-fault-', dir='/dev/shm' if os.path.isdir('/dev/shm') else None)
    inputs = os.path.join(root, 'inputs')
    os.mkdir(inputs)
    fixture = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools')
    sys.path.insert(0, fixture)
    sys.argv = ['', N2S]
    import program
    program.nifti(os.path.join(inputs, 'in.nii'), 8, 32, 32, program.clean)
    for out in ('in.tif', 'in.h5', 'in.mrc', 'in.nii.gz', 'in.npy', 'in.nrrd', 'in.mha', 'in.zarr'):
        assert run(['corrupt', 'in.nii', '-o', out, '--noise', 'gaussian:5', '--quiet'], inputs)[0] == 0
    assert run(['train', 'in.nii', '-o', 'model', *SHORT], inputs)[0] == 0
    jobs = [(['info', 'in.tif'], []), (['evaluate', 'in.h5', 'in.nii', '--quiet'], [])]
    jobs += [(['corrupt', name, '-o', 'out' + name[2:], '--noise', 'gaussian:5', '--quiet', '--force'], ['out' + name[2:]])
             for name in ('in.nii', 'in.nii.gz', 'in.tif', 'in.h5', 'in.mrc', 'in.npy', 'in.nrrd', 'in.mha')]
    jobs += [(['corrupt', 'in.zarr', '-o', 'out.npy', '--noise', 'gaussian:5', '--quiet', '--force'], ['out.npy']),
             (['corrupt', 'in.nii', '-o', 'fresh.zarr', '--noise', 'gaussian:5', '--quiet'], [])]
    jobs += [(['denoise', 'model', 'in.tif', '-o', 'out.tif', '--quiet', '--force', '--threads', '1'], ['out.tif']),
             (['train', 'in.nii', '-o', 'run', *SHORT], []),
             (['restore', 'in.nii', '-o', 'out.nii', *SHORT, '--force'], ['out.nii'])]
    tried = faults = 0
    for words, outputs in jobs:
        folder = os.path.join(root, 'work')
        shutil.copytree(inputs, folder)
        assert run(words, folder)[0] == 0, words
        expected = files_below(folder)
        shutil.rmtree(folder)
        # HDF5's library crashes where it gets no memory.
        allocations = [] if any(word.endswith('.h5') for word in words) else ['allocate']
        for call in ('open', 'read', 'write', 'sync', 'rename', *allocations):
            for ever in (False, True):
                for at in range(1, MOST + 1):
                    shutil.copytree(inputs, folder)
                    for name in outputs:
                        with open(os.path.join(folder, name), 'w') as f:
                            f.write('the old file')
                    before = files_below(folder)
                    code, errors, failed = run(words, folder, call, at, ever)
                    after = files_below(folder)
                    shutil.rmtree(folder)
                    if not failed:
                        break
                    tried += 1
                    for problem in problems_of(code, errors, before, after, expected, outputs):
                        faults += 1
                        print(f'{" ".join(words)}: {call} {at}{" and later" if ever else ""}: {problem}')
    shutil.rmtree(root)
    print(f'{tried} failing calls, {faults} faults')
    return faults > 0


if __name__ == '__main__':
    sys.exit(main())
