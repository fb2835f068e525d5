# The package's version for scikit-build-core (pyproject.toml): the same as the program's.
import pathlib
import subprocess


def dynamic_metadata(field, settings):
    script = pathlib.Path(__file__).resolve().parent.parent / 'packages' / 'version'
    return subprocess.run(['bash', str(script)], check=True, capture_output=True, text=True).stdout.strip()
