#!/usr/bin/env python3
"""Measures the environments that bench/sizes/run has made: measure.py FOLDER"""
import json, os, pathlib, platform, statistics, subprocess, sys, time

FOLDER = pathlib.Path(sys.argv[1])
REPEATS = 7


def megabytes(path):
    return sum(f.lstat().st_size for f in path.rglob('*') if not f.is_dir() and '__pycache__' not in f.parts) / 1e6


def seconds(command):
    """Median of several, after one that fills the caches."""
    subprocess.run(command, check=True, capture_output=True)
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def cpu():
    with open('/proc/cpuinfo') as f:
        return next((line.split(':')[1].strip() for line in f if line.startswith('model name')), platform.machine())


rows = {'n2s (archive)': {'MB': megabytes(FOLDER / 'program'), 'start_s': seconds([FOLDER / 'program/bin/n2s', '--version'])}}
for name, what in (('noise2stack', 'import noise2stack'), ('torch', 'import torch'),
                   ('careamics', 'from careamics import CAREamist')):
    python = FOLDER / name / 'bin/python'
    packages = next((FOLDER / name / 'lib').glob('python3*')) / 'site-packages'
    own = sum(megabytes(packages / tool) for tool in ('pip', 'setuptools', 'pkg_resources') if (packages / tool).exists())
    rows[f'Python: {what}'] = {'MB': megabytes(packages) - own, 'start_s': seconds([python, '-c', what])}
rows['Python alone'] = {'MB': 0, 'start_s': seconds([FOLDER / 'torch/bin/python', '-c', ''])}
result = {'machine': cpu(), 'cores': os.cpu_count(), 'rows': rows}
(FOLDER / 'sizes.json').write_text(json.dumps(result, indent=2) + '\n')
print(f'{result["machine"]}, {result["cores"]} cores; on disk, and from start to ready (median of {REPEATS})')
for name, row in rows.items():
    print(f'{name:44} {row["MB"]:9.1f} MB {row["start_s"]:8.3f} s')
