#!/usr/bin/env python3
"""Runs every command of the tutorials: tutorials_test.py N2S

The blocks marked sh of each tutorial run one after the other in a folder of its own, as they stand, but that minutes of
training become a few steps and images small. Jobs for Slurm that they write run afterwards by bash, an array's tasks one
after the other.
Needs numpy and tifffile for python3, and the volume of Debian's package mricron-data.
"""
import os, pathlib, re, subprocess, sys, tempfile, unittest

N2S = pathlib.Path(sys.argv.pop(1)).resolve()
TUTORIALS = sorted((pathlib.Path(__file__).resolve().parents[2] / 'tools/site/tutorials').glob('*.md'))
ENVIRONMENT = {**os.environ, 'PATH': f'{N2S.parent}:/usr/bin:' + os.environ['PATH'], 'OMPI_ALLOW_RUN_AS_ROOT': '1', 'OMPI_ALLOW_RUN_AS_ROOT_CONFIRM': '1',
               'OMPI_MCA_rmaps_base_oversubscribe': '1'}


def quicker(commands):
    commands = re.sub(r'--minutes \d+', '--steps 4', commands)
    commands = re.sub(r'cp \S*/ch2.nii.gz clean.nii.gz\n', '', commands)  # small_volume() stands in
    return commands.replace('n2s simulate microscopy', 'n2s simulate microscopy --side 64').replace('mpirun n2s', 'mpirun -n 2 n2s')


def small_volume(folder):
    """The middle of the brain, since all of it takes minutes."""
    code = ('import nibabel; volume = nibabel.load("/usr/share/mricron/templates/ch2.nii.gz").slicer[50:114, 60:124, 80:92]; '
            'nibabel.save(volume, "clean.nii.gz")')
    subprocess.run(['/usr/bin/python3', '-c', code], cwd=folder, check=True)


class Tutorials(unittest.TestCase):
    def bash(self, commands, folder, **environment):
        done = subprocess.run(['bash', '-euo', 'pipefail', '-c', commands], cwd=folder, env={**ENVIRONMENT, **environment}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f'{commands}\n{done.stderr[-3000:]}')

    def test_commands(self):
        self.assertEqual(len(TUTORIALS), 5)
        for tutorial in TUTORIALS:
            blocks = re.findall(r'^```sh\n(.*?)^```$', tutorial.read_text(), re.M | re.S)
            self.assertGreater(len(blocks), 3, tutorial)
            with self.subTest(tutorial.stem), tempfile.TemporaryDirectory() as folder:
                if tutorial.stem == 'mri':
                    small_volume(folder)
                for block in blocks:
                    self.bash(quicker(block), folder)
                for job in sorted(pathlib.Path(folder).glob('*.sbatch')):
                    tasks = re.search(r'--array=(\d+)-(\d+)', job.read_text())
                    for task in range(int(tasks[1]), int(tasks[2]) + 1) if tasks else [0]:
                        self.bash(job.read_text(), folder, SLURM_ARRAY_TASK_ID=str(task))
                if tutorial.stem == 'cluster':
                    for made in ('restored', 'restored-by-array'):
                        self.assertEqual(len(list((pathlib.Path(folder) / made).glob('*.tif'))), 100, made)
                if tutorial.stem == 'mri':
                    self.assertIn('<html', (pathlib.Path(folder) / 'restored.html').read_text())


unittest.main()
