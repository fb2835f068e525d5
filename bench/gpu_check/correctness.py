"""The stages that ask whether results are right: machine, tests, sanitizers, quality."""

import concurrent.futures
import lzma
import platform
import re
import struct

from session import StageError, last_line

# Test cases of which each gets a process of its own, because they are long and the machine has many cores.
APART = {"conv3x3_cuda_test": ("forward*", "data gradients*", "weight gradients*"),
         "networks_gpu_test": ("loss and gradients*", "the same pass*", "unfused and fused*")}
# Under a sanitizer: whole trainings are many launches of the same kernels, and whole networks are slow.
SANITIZED = {**APART, "training_cuda_test": ("the fused graph*",), "networks_gpu_test": ()}
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
SKIPPED = 77
PSNR_TOLERANCE = 0.05  # dB


def gpu_state(session):
    """Clocks, power and temperature now; they explain why figures differ."""
    fields = ["clocks.sm", "clocks.mem", "power.draw", "temperature.gpu", "utilization.gpu", "memory.used"]
    code, out, _ = session.command(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"], 20)
    return dict(zip(fields, [text.strip() for text in out.split("\n")[0].split(",")])) if code == 0 else None


def machine(session):
    result = {"system": platform.platform(), "glibc": platform.libc_ver()[1], "python": platform.python_version()}
    try:
        for line in open("/proc/cpuinfo"):
            if line.startswith("model name"):
                result["cpu"] = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    result["noise2stack"] = session.n2s("info")
    fields = ["name", "driver_version", "memory.total", "clocks.max.sm", "clocks.max.mem", "power.limit",
              "persistence_mode", "compute_mode", "mig.mode.current", "vbios_version"]
    try:
        code, out, _ = session.command(["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader"], 20)
        if code == 0:
            result["gpu"] = dict(zip(fields, [text.strip() for text in out.split("\n")[0].split(",")]))
        result["idle"] = gpu_state(session)
    except OSError:
        result["gpu"] = None  # no nvidia-smi
    for name in ("nvcc", "compute-sanitizer"):
        tool = session.find_tool(name)
        result[name] = session.command([tool, "--version"], 20)[1].strip().split("\n")[-1] if tool else None
    result["pytorch"] = session.python
    result["library path"] = session.environment["LD_LIBRARY_PATH"]
    return result


# What Volta's program runs on a newer GPU, which has to compile its PTX first.
OF_VOLTA = {"conv3x3_cuda_test": APART["conv3x3_cuda_test"]}


def cases(session, chosen):
    """(file, test cases of it that one process runs), of all GPU tests that are there."""
    listed = session.folder / "bin/gpu_tests.txt"
    names = sorted(listed.read_text().split()) if listed.exists() else []
    return [(name, pattern) for name in names for pattern in chosen.get(name, ("*",))]


def test_command(session, name, pattern, programs=None):
    return [(programs or session.programs) / "gpu_tests", f"--source-file=*/{name}.cpp", f"--test-case={pattern}"]


def doctest_counts(text):
    match = re.search(r"\[doctest\] test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed", text)
    return tuple(map(int, match.groups())) if match else (0, 0, 0)


def tests(session):
    def one(test):
        name, pattern, programs = test
        command = [*test_command(session, name, pattern, programs), "--no-colors", "--duration=true"]
        code, out, err = session.command(command, limit)
        _, passed, failed = doctest_counts(out)
        name += ", Volta's PTX" if programs else ""
        row = {"program": name, "cases": pattern, "exit_code": code, "passed": passed, "failed": failed}
        row["slowest"] = re.findall(r"^([\d.]+) s: (.*)$", out, re.M)
        row["messages"] = re.findall(r"MESSAGE: (.*)", out)
        if code is None:
            row["why"] = f"cut off after {limit:.0f} s"
        elif code == SKIPPED:
            row["why"] = last_line(out)
        elif code != 0 or passed == 0:
            row["why"] = (re.findall(r"ERROR: .*", out) or [last_line(err + out)])[0]
            row["output"] = out[-4000:]
        session.note(f"tests: {name} {pattern}: {passed} passed" + (f", {row['why']}" if "why" in row else ""))
        return row

    limit = session.limit("tests")
    jobs = [(*case, None) for case in cases(session, APART)]
    if jobs and session.volta not in (None, session.programs):
        jobs += [(name, pattern, session.volta) for name, patterns in OF_VOLTA.items() for pattern in patterns]
    if not jobs:
        raise StageError(f"there are no tests in {session.folder / 'bin'}")
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        rows = list(pool.map(one, jobs))
    return sum_up(rows, "test runs")


def sum_up(rows, what):
    result = {"runs": rows}
    skipped = [row for row in rows if row.get("exit_code") == SKIPPED]
    wrong = [row for row in rows if "why" in row and row not in skipped]
    if wrong:
        result["failed"] = f"{len(wrong)} of {len(rows)} {what}; first: {wrong[0]['why']}"
    elif skipped:
        result["left_out"] = skipped[0]["why"]
    return result


def sanitizers(session):
    sanitizer = session.find_tool("compute-sanitizer")
    if sanitizer is None:
        return {"left_out": "there is no compute-sanitizer here"}

    def one(job):
        tool, name, command = job
        seconds = max(1.0, min(each, left()))
        command = [sanitizer, "--tool", tool, "--error-exitcode", "99", "--print-limit", "10", *command]
        code, out, err = session.command(command, seconds, {"N2S_THIN_TESTS": "1"})
        summary = re.findall(r"(?:ERROR|RACECHECK) SUMMARY: .*", out + err)
        found = re.findall(r"^========= (?:Error|Warning|Invalid|Uninitialized|Race|Barrier|Program hit).*", out, re.M)
        row = {"tool": tool, "program": name, "exit_code": code, "summary": summary[-1] if summary else None}
        row["finished"] = code is not None
        if found or code == 99:
            row["why"] = f"{tool}, {name}: " + (found or summary or ["errors"])[0].strip("= ")
            row["output"] = out[:6000]
        elif code not in (0, None):
            row["why"] = f"{tool}, {name}: exit code {code}: {last_line(err + out)}"
            row["output"] = out[:6000]
        state = row.get("why") or ("no errors" if code == 0 else f"not finished in {seconds:.0f} s, nothing found until then")
        session.note(f"sanitizers: {tool}, {name}: {state}")
        return row

    bench = [session.program, "bench", *session.device, "--precision", "fp16", "--batch", "2", "--size", "64",
             "--seconds", "0", "--json", "--quiet"]
    jobs = []
    for tool in TOOLS:
        for name, pattern in cases(session, SANITIZED):
            jobs.append((tool, f"{name} {pattern}", test_command(session, name, pattern)))
        jobs.append((tool, "n2s bench, fp16", bench))
    left = session.clock("sanitizers")
    each = max(10.0, left() / 2)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        rows = list(pool.map(one, jobs))
    result = sum_up(rows, "sanitizer runs")
    result["not_finished"] = [f"{row['tool']}, {row['program']}" for row in rows if not row["finished"]]
    if len(result["not_finished"]) == len(rows):
        result["failed"] = "no sanitizer run came to its end in the time it had"
    return result


def small_volume(path):
    """A NIfTI file with 8 smooth planes of 32x32, for --smoke."""
    side, planes = 32, 8
    sizes, spacings, float32 = (3, side, side, planes, 1, 1, 1, 1), 8 * (1,), (0, 16, 32, 0)
    header = struct.pack("<i36x8h12x4h8f3f", 348, *sizes, *float32, *spacings, 352, 1, 0)
    header = header.ljust(344, b"\0") + b"n+1\0" + bytes(4)
    voxels = [((x * x + 3 * y * z) % 37) / 37 - 0.5 for z in range(planes) for y in range(side) for x in range(side)]
    path.write_bytes(header + struct.pack(f"<{len(voxels)}f", *voxels))


def truth(session):
    """The clean volume that was carried."""
    if session.smoke:
        path = session.scratch / "truth.nii"
        if not path.exists():
            small_volume(path)
        return path
    packed, path = session.folder / "data/truth.nii.xz", session.scratch / "truth.nii"
    if not packed.exists():
        raise StageError(f"{packed} is missing: `gpu_check prepare` makes it")
    with session.lock:
        if not path.exists():
            path.write_bytes(lzma.decompress(packed.read_bytes()))
    return path


def quality(session):
    clean, scratch = truth(session), session.scratch / "quality"
    scratch.mkdir()
    left, steps = session.clock("quality"), "2" if session.smoke else "1000"
    noisy = scratch / "noisy.nii.gz"
    session.n2s("corrupt", clean, "-o", noisy, "--noise", "kspace:0.1", "--device", "cpu", seconds=left())

    def psnr(path):
        return session.n2s("evaluate", path, clean, "--clamp=-0.5,0.5", "--device", "cpu", seconds=left())["psnr"]

    def train(precision):
        """Trained and applied in this precision."""
        restored = scratch / f"restored_{precision}.nii.gz"
        record = session.n2s(
            "restore", noisy, "-o", restored, "--run", scratch / f"run_{precision}", *session.device, "--precision", precision,
            "--net", "mri", "--planes", "4", "--crop", "32" if session.smoke else "64", "--steps", steps,
            "--normalise", "none", "--validation-planes", "1" if session.smoke else "2", seconds=left())
        return {"psnr": psnr(restored), "steps": record.get("steps"), "train_seconds": record.get("train_seconds")}

    def apply(precision):
        """The model that fp32 trained, applied in this precision."""
        restored = scratch / f"applied_{precision}.nii.gz"
        session.n2s("denoise", scratch / "run_fp32", noisy, "-o", restored, *session.device, "--precision", precision,
                    seconds=left())
        return psnr(restored)

    result = {"noisy_psnr": psnr(noisy), "tolerance": PSNR_TOLERANCE}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        result["trained"] = dict(zip(session.precisions, pool.map(train, session.precisions)))
        result["applied"] = dict(zip(session.precisions, pool.map(apply, session.precisions)))
    worse = []
    for precision in session.precisions:
        less = result["trained"]["fp32"]["psnr"] - result["trained"][precision]["psnr"]
        off = abs(result["applied"]["fp32"] - result["applied"][precision])
        if less > PSNR_TOLERANCE:
            worse.append(f"trained in {precision}: {less:.2f} dB less than in fp32")
        if off > PSNR_TOLERANCE:
            worse.append(f"applied in {precision}: {off:.2f} dB from fp32")
    if not session.smoke and result["trained"]["fp32"]["psnr"] < result["noisy_psnr"] + 3:
        worse.append("fp32 hardly improves the noisy volume")
    return {**result, "failed": "; ".join(worse)} if worse else result
