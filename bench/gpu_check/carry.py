"""Builds what the machine with the GPU needs and puts it into one folder: `tools/scripts/gpu_check prepare`."""

import datetime
import gzip
import json
import lzma
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

SCRIPTS = ("bench/gpu_check/*.py", "bench/pytorch/gpu_peer.py", "bench/pytorch/nets.py")
LIMIT_MIB = 40
NOT_HERE = 77  # build_volta's exit code where CUDA 12.9's packages cannot be had
# These belong to the C library or the driver and must be the machine's own.
SYSTEM = r"(linux-vdso|ld-linux-x86-64|libc|libm|libmvec|libdl|librt|libpthread|libresolv|libutil|libanl)\.so"


def say(text):
    print(f"gpu_check: {text}", flush=True)


def call(*command, **options):
    print("+ " + " ".join(map(str, command)), flush=True)
    if subprocess.run(command, **options).returncode != 0:
        sys.exit(f"gpu_check: this failed: {' '.join(map(str, command))}")


def output_of(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, **options).stdout.strip()


def build(root, arguments):
    if (root / "tools/scripts/setup").exists():
        call(root / "tools/scripts/setup")
    launcher = shutil.which("ccache") or ""
    options = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}", f"-DCMAKE_CUDA_COMPILER_LAUNCHER={launcher}"]
    if arguments.architectures:
        options.append(f"-DN2S_CUDA_ARCHITECTURES={arguments.architectures}")
    jobs = ["-j", os.environ["N2S_JOBS"]] if "N2S_JOBS" in os.environ else []
    call("cmake", "--preset", "gpu-check", "-B", arguments.build, "--log-level=NOTICE", *options, cwd=root)
    call("cmake", "--build", arguments.build, "--target", "n2s", "gpu_tests", *jobs, cwd=root)


def build_volta(root):
    """The same for Volta, where that can be built here. Its PTX runs on newer GPUs as well."""
    say("building for Volta")
    environment = {**os.environ, "N2S_TARGETS": "n2s gpu_tests"}
    options = ["-DN2S_GPU_TESTS=ON", "-DN2S_LIBRARY=OFF", "-DN2S_ONNX=OFF"]
    code = subprocess.run([root / "tools/scripts/build_volta", *options], env=environment).returncode
    if code not in (0, NOT_HERE):
        sys.exit("gpu_check: building for Volta failed")
    if code == NOT_HERE:
        say("nothing is carried for Volta")
    return code == 0


def programs(folder):
    return [folder / "bin/n2s", folder / "bin/gpu_tests"]


def install(root, arguments, folder, volta):
    shutil.rmtree(folder, ignore_errors=True)
    for options in ([], ["--component", "gpu_tests"]):
        call("cmake", "--install", arguments.build, "--prefix", folder, "--strip", *options, stdout=subprocess.DEVNULL)
    if volta:
        with tempfile.TemporaryDirectory() as whole:  # the libraries are there already
            for options in ([], ["--component", "gpu_tests"]):
                call("cmake", "--install", root / "build/volta", "--prefix", whole, "--strip", *options, stdout=subprocess.DEVNULL)
            with tarfile.open(folder / "volta.tar.xz", "w:xz", preset=9) as archive:  # 28 MiB, 8 packed
                for name in ("n2s", "gpu_tests"):
                    archive.add(pathlib.Path(whole) / "bin" / name, name)
    # The C++ library only where the machine has none: drivers and tools there may need its own, newer one.
    (folder / "lib/fallback").mkdir()
    for name in ("libstdc++.so.6", "libgcc_s.so.1"):
        for found in (folder / "lib").glob(name + "*"):
            found.rename(folder / "lib/fallback" / found.name)
    for library in (folder / "lib").rglob("*.so*"):
        if not library.is_symlink():
            subprocess.run(["strip", "--strip-unneeded", library], check=True)
    for pattern in SCRIPTS:
        for script in sorted(root.glob(pattern)):
            target = folder / script.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(script, target)
    shutil.copy(root / "tools/scripts/gpu_check", folder / "gpu_check")


def volume(folder):
    """The demo's brain, scaled and padded: what the stages `quality` and `epoch` work on."""
    data = folder / "data"
    data.mkdir()
    with tempfile.TemporaryDirectory() as demo:
        say("preparing the demo's volume")
        command = [folder / "bin/n2s", "demo", "-o", demo, "--steps", "1", "--device", "cpu", "--json", "--quiet"]
        # Here the libraries that were moved to fallback/ are the machine's own.
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0:
            voxels = gzip.decompress((pathlib.Path(demo) / "truth.nii.gz").read_bytes())
            (data / "truth.nii.xz").write_bytes(lzma.compress(voxels, preset=9))  # 2.1 MiB; 3.9 by gzip
        else:
            say("the demo fails here: without its volume the stages quality and epoch are left out")


def check_libraries(folder):
    """Every library must be found in the folder, for programs started with nothing in the environment."""
    foreign = set()
    environment = {"LD_LIBRARY_PATH": str(folder / "lib/fallback")}
    for program in programs(folder):
        for line in output_of("/usr/bin/ldd", program, env=environment).splitlines():
            name, _, place = line.strip().partition(" => ")
            if not re.match(SYSTEM, pathlib.Path(name.split(" (")[0]).name) and not place.startswith(str(folder)):
                foreign.add(line.strip())
    if foreign:
        sys.exit("gpu_check: these libraries are not in the folder:\n  " + "\n  ".join(sorted(foreign)))


def newest_glibc(folder):
    """The highest GLIBC_ symbol version that anything carried asks for."""
    files = [*programs(folder), *(folder / "lib").rglob("*.so*")]
    found = set()
    for file in files:
        found |= set(re.findall(r"\(?GLIBC_(\d+(?:\.\d+)+)\)?", output_of("objdump", "-T", file)))
    return max(found, key=lambda version: tuple(map(int, version.split("."))), default="unknown")


def about(root, arguments, folder):
    cache = (arguments.build / "CMakeCache.txt").read_text()
    architectures = re.search(r"^N2S_CUDA_ARCHITECTURES:\w+=(.*)$", cache, re.M)
    nvcc = re.search(r"^CMAKE_CUDA_COMPILER:\w+=(.*)$", cache, re.M)
    return {
        "commit": output_of("git", "rev-parse", "HEAD", cwd=root) or None,
        "uncommitted_changes": bool(output_of("git", "status", "--porcelain", "--untracked-files=no", cwd=root)),
        "built": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "architectures": architectures[1] if architectures else None,
        "nvcc": output_of(nvcc[1], "--version").splitlines()[-2:-1] if nvcc else None,
        "compiler": (output_of("c++", "--version").splitlines() or [""])[0],
        "needs_glibc": newest_glibc(folder),
    }


def prepare(root, arguments):
    folder = arguments.folder.resolve()
    arguments.build = arguments.build.resolve()
    build(root, arguments)
    volta = not arguments.no_volta and build_volta(root)
    install(root, arguments, folder, volta)
    check_libraries(folder)
    volume(folder)
    facts = about(root, arguments, folder)
    (folder / "about.json").write_text(json.dumps(facts, indent=1) + "\n")
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink()]
    for file in files:
        if file.stat().st_size >= 100 << 10:
            print(f"  {file.stat().st_size / (1 << 20):6.2f} MiB  {file.relative_to(folder)}")
    size = sum(file.stat().st_size for file in files) / (1 << 20)
    say(f"{size:.1f} MiB in {len(files)} files: {os.path.relpath(folder)}")
    say(f"for GPUs {facts['architectures']}; the other machine needs glibc {facts['needs_glibc']} or newer")
    if size > LIMIT_MIB:
        sys.exit(f"gpu_check: more than {LIMIT_MIB} MiB; name fewer --architectures")
