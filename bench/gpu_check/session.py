"""What the stages of `gpu_check run` share: where things are, how commands run, how results are saved."""

import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time

STAGES = ("machine", "tests", "sanitizers", "quality", "epoch", "steps", "operations")
TOGETHER = ("tests", "sanitizers", "quality")  # run beside each other, and beside torch.compile for the steps
# Seconds of nine minutes. What some stages leave out, the others have more of.
BUDGETS = {"machine": 5, "together": 145, "epoch": 25, "steps": 235, "operations": 105}


class StageError(Exception):
    """What went wrong, in one line."""


class Session:
    def __init__(self, root, arguments):
        self.root, self.arguments, self.smoke = root, arguments, arguments.smoke
        self.folder = arguments.folder.resolve()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="gpu_check_"))
        self.volta = self.unpack_volta()
        self.programs = self.volta if self.volta and self.capability().startswith("7.0") else self.folder / "bin"
        self.program = (arguments.program or self.programs / "n2s").resolve()
        self.start = time.monotonic()
        self.out = arguments.out.resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.lock = threading.Lock()
        self.log = open(self.out / "gpu_check.log", "w")
        self.python = None if arguments.no_pytorch else self.find_pytorch()
        self.environment = self.make_environment()
        self.device = ["--device", "cpu"] if self.smoke else ["--device", "cuda"]
        self.precisions = ["fp32"] if self.smoke else ["bf16", "fp16", "tf32", "fp32"]
        self.document = {
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            **self.origin(),
            "minutes": arguments.minutes,
            "smoke": self.smoke,
            "stages": {},
        }

    def origin(self):
        """What was built; the repository may be gone where this runs."""
        try:
            return {"build": json.loads((self.folder / "about.json").read_text())}
        except OSError:
            return {"build": None}

    # Where things are.

    def unpack_volta(self):
        """The folder of Volta's programs, which use the carried libraries; None where there are none."""
        packed = self.folder / "volta.tar.xz"
        if not packed.exists():
            return None
        (self.scratch / "lib").symlink_to(self.folder / "lib")
        with tarfile.open(packed) as archive:
            archive.extractall(self.scratch / "bin")
        return self.scratch / "bin"

    def capability(self):
        """The GPU's compute capability, "9.0"; empty where nothing tells."""
        query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
        try:
            return subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.split("\n")[0].strip()
        except (OSError, subprocess.TimeoutExpired):
            return ""

    def find_pytorch(self):
        cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        candidates = [os.environ.get("N2S_PYTORCH_PYTHON"), sys.executable, shutil.which("python3"),
                      cache / "noise2stack/pytorch/bin/python"]
        for candidate in filter(None, candidates):
            probe = "import importlib.util as u, sys; s = u.find_spec('torch'); sys.exit(0 if s and s.origin else 1)"
            try:
                if subprocess.run([candidate, "-c", probe], capture_output=True).returncode == 0:
                    return str(candidate)
            except OSError:
                pass
        return None

    def find_library(self, pattern):
        """Folders that hold a library of NVIDIA's: beside PyTorch, or of a toolkit."""
        places = []
        if self.python is not None:
            probe = "import importlib.util as u; print('\\n'.join(u.find_spec('nvidia').submodule_search_locations))"
            found = subprocess.run([self.python, "-c", probe], capture_output=True, text=True).stdout.split("\n")
            for place in filter(None, found):
                places += pathlib.Path(place).glob("*/lib")
        for toolkit in (pathlib.Path("/usr/local"), pathlib.Path("/opt")):
            places += [*toolkit.glob("cuda*/lib64"), *toolkit.glob("cuda*/targets/x86_64-linux/lib")]
        return [str(place) for place in places if any(place.glob(pattern))]

    def make_environment(self):
        environment = dict(os.environ)
        paths = [folder for name in ("libcufft.so.1*", "libcudnn.so.[89]", "libcublasLt.so.1*") for folder in self.find_library(name)[:1]]
        paths += [p for p in environment.get("LD_LIBRARY_PATH", "").split(":") if p]
        environment["LD_LIBRARY_PATH"] = ":".join(paths)
        if subprocess.run([self.program, "--version"], env=environment, capture_output=True).returncode != 0:
            paths.append(str(self.folder / "lib/fallback"))
        environment["LD_LIBRARY_PATH"] = ":".join(paths)
        # torch.compile's cache: filled early, used when it counts
        environment["TORCHINDUCTOR_CACHE_DIR"] = str(self.scratch / "inductor")
        environment["TRITON_CACHE_DIR"] = str(self.scratch / "triton")
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        return environment

    def find_tool(self, name):
        places = ["/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer", "/opt/nvidia/compute-sanitizer"]
        places += map(str, pathlib.Path("/usr/local").glob("cuda*/bin"))
        return shutil.which(name) or shutil.which(name, path=":".join(places))

    # Time.

    def seconds_left(self):
        return 60 * self.arguments.minutes - (time.monotonic() - self.start)

    def limit(self, name):
        """Seconds from now on that a stage may take, as part of this run's time; never more than is left."""
        group = lambda stage: "together" if stage in TOGETHER else stage
        groups = {group(stage) for stage in self.arguments.stages}
        if "steps" in groups and self.python is not None:
            groups.add("together")
        share = BUDGETS[group(name)] / sum(BUDGETS[g] for g in groups)
        return max(1.0, min(share * (60 * self.arguments.minutes - 15), self.seconds_left() - 10))

    def clock(self, name):
        """A function that tells how many seconds of the stage's limit are left."""
        end = time.monotonic() + self.limit(name)
        return lambda: end - time.monotonic()

    # Commands.

    def note(self, text):
        with self.lock:
            stamp = f"{time.monotonic() - self.start:6.1f} s  "
            print("gpu_check " + stamp + text, flush=True)
            print(stamp + text, file=self.log, flush=True)

    def spawn(self, command, **options):
        """A process in a group of its own, so that it can be ended with all it has started."""
        return subprocess.Popen(list(map(str, command)), env=options.pop("env", self.environment), text=True,
                                start_new_session=True, cwd=self.scratch, **options)

    @staticmethod
    def end(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()

    def command(self, command, seconds, extra=None):
        """(exit code or None where it was cut off, standard output, standard error)"""
        environment = {**self.environment, **(extra or {})}
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = self.spawn(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            try:
                code = process.wait(timeout=max(1.0, seconds))
            except subprocess.TimeoutExpired:
                self.end(process)
                code = None
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read())
        with self.lock:
            print(f"$ {' '.join(map(str, command))}\nexit code {code}", file=self.log)
            for text in texts:
                print(text if len(text) < 20000 else text[:10000] + "\n[…]\n" + text[-10000:], file=self.log)
            self.log.flush()
        return code, *texts

    def json_of(self, command, seconds):
        """What a command prints with --json. Throws StageError where it fails."""
        code, out, err = self.command(command, seconds)
        shown = " ".join([pathlib.Path(command[0]).name, *map(str, command[1:])])
        if code is None:
            raise StageError(f"cut off after {seconds:.0f} s: {shown}")
        if code != 0:
            raise StageError(f"exit code {code}: {shown}: {last_line(err)}")
        try:
            return json.loads(out)
        except ValueError:
            raise StageError(f"no JSON from: {shown}")

    def n2s(self, *arguments, seconds=60.0):
        if seconds <= 0:
            raise StageError("the stage's time is over")
        return self.json_of([self.program, *arguments, "--json", "--quiet"], seconds)

    def peer(self, *arguments):
        script = self.root / "bench/pytorch/gpu_peer.py"
        return [self.python, script, *(["--smoke", "--no-compile"] if self.smoke else []), *map(str, arguments)]

    # Results.

    def save(self):
        path = self.out / "gpu_check.json"
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(self.document, indent=1, ensure_ascii=False) + "\n")
        os.replace(partial, path)

    def stage(self, name, work):
        """Runs one stage and saves its result, whatever happens. `work` returns a dict; "failed" in it says why."""
        start = time.monotonic()
        self.note(f"{name}: begins")
        try:
            result = work(self) or {}
        except StageError as error:
            result = {"failed": str(error)}
        except Exception as error:  # a mistake in a stage is that stage's failure
            result = {"failed": f"{type(error).__name__}: {error}"}
        status = "failed" if "failed" in result else "left out" if "left_out" in result else "passed"
        with self.lock:
            self.document["stages"][name] = {"status": status, "seconds": round(time.monotonic() - start, 1), **result}
            self.save()
        why = result.get("failed") or result.get("left_out")
        self.note(f"{name}: {status}" + (f": {why}" if why else ""))

    def close(self):
        self.log.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def last_line(text):
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "(no output)"
