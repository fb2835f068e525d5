"""Noise2Stack and PyTorch, the same work side by side in one run on the CPU.

Eight cases: {MRI net, 5 planes; microscopy net, 2 planes} x {training step, inference} x {16 patches of 64x64, 2 planes
of 256x256}, fp32, all cores. A training step is forward, mean squared error, backward and Adam; inference is one forward
pass. In every round each program measures each case in turn, so that a slow spell of the machine meets both. A case's
figure is the median over the rounds of each round's median. PyTorch runs eager in both memory formats; the faster counts.
"""

import argparse
import datetime
import json
import math
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import time

import torch
from torch.nn import functional as F

from nets import NETS, build

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = {"eager": torch.contiguous_format, "channels-last": torch.channels_last}
CASES = [
    {"net": net, "planes": planes, "pass": which, "batch": batch, "size": size}
    for net, planes in (("mri", 5), ("microscopy", 2))
    for which in ("training", "inference")
    for batch, size in ((16, 64), (2, 256))
]


def key(case):
    return f"{case['net']:10s} n={case['planes']} {case['pass']:9s} {case['batch']:2d} x {case['size']}²"


def pytorch_work(case, memory_format):
    """The case's work as a function without arguments, on inputs that rotate among four buffers."""
    model = build(case["net"], case["planes"]).to(memory_format=memory_format)
    draw = lambda channels: torch.randn(case["batch"], channels, case["size"], case["size"]).to(memory_format=memory_format)
    inputs, target, turn = [draw(case["planes"]) for _ in range(4)], draw(1), iter(range(1 << 62))
    if case["pass"] == "inference":
        model.eval()

        def infer():
            with torch.inference_mode():
                model(inputs[next(turn) % 4])

        return infer
    adam = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def train():
        adam.zero_grad()
        F.mse_loss(model(inputs[next(turn) % 4]), target).backward()
        adam.step()

    return train


def pytorch_ms_per_plane(case, memory_format, seconds):
    """Median over the calls of at least `seconds`, and of at least three calls, after two that warm up."""
    work, times = pytorch_work(case, memory_format), []
    for _ in range(2):
        work()
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times) / case["batch"]


def our_ms_per_plane(program, case, threads):
    arguments = [x for name in ("net", "planes", "batch", "size", "pass") for x in (f"--{name}", str(case[name]))]
    command = [program, "bench", *arguments, "--device", "cpu", "--precision", "fp32", "--threads", str(threads), "--json"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"peer: {' '.join(command)}: exit code {run.returncode}: {run.stderr.strip()}")
    (result,) = json.loads(run.stdout)["results"]
    return result["ms_per_plane"]


def measure(cases, program, threads, rounds, seconds):
    """{case's name: {way: [ms per plane, one a round]}}"""
    ways = ([] if program is None else ["noise2stack"]) + list(FORMATS)
    times = {key(case): {way: [] for way in ways} for case in cases}
    for number in range(rounds):
        for case in cases:
            for way in ways if number % 2 == 0 else reversed(ways):
                if way in FORMATS:
                    ms = pytorch_ms_per_plane(case, FORMATS[way], seconds)
                else:
                    ms = our_ms_per_plane(program, case, threads)
                times[key(case)][way].append(ms)
            shown = ", ".join(f"{way} {values[-1]:.2f}" for way, values in times[key(case)].items())
            print(f"round {number + 1}/{rounds}  {key(case)}  {shown}", file=sys.stderr, flush=True)
    return times


def summarise(cases, times):
    """One row a case: median and least ms per plane of each way, and how many times faster than PyTorch we are."""
    rows = []
    for case in cases:
        ways = times[key(case)]
        row = {**case, "ms_per_plane": {way: statistics.median(values) for way, values in ways.items()}}
        row["least_ms_per_plane"] = {way: min(values) for way, values in ways.items()}
        row["pytorch_best"] = min(FORMATS, key=row["ms_per_plane"].get)
        if "noise2stack" in ways:
            row["ratio"] = row["ms_per_plane"][row["pytorch_best"]] / row["ms_per_plane"]["noise2stack"]
        rows.append(row)
    return rows


def print_table(rows):
    ways = list(rows[0]["ms_per_plane"])
    print(f"\nms per plane, median over the rounds (least)\n{'':38s}" + "".join(f"{way:>20s}" for way in ways) + "     ratio")
    for row in rows:
        figures = "".join(f"{row['ms_per_plane'][way]:11.2f} ({row['least_ms_per_plane'][way]:6.2f})" for way in ways)
        print(f"{key(row):38s}{figures}" + (f"{row['ratio']:9.2f}x" if "ratio" in row else "         -"))
    ratios = [row["ratio"] for row in rows if "ratio" in row]
    if ratios:
        mean = math.exp(statistics.fmean(map(math.log, ratios)))
        print(f"\ntimes as fast as PyTorch: geometric mean {mean:.2f}x, least {min(ratios):.2f}x")
        return {"geometric_mean": mean, "least": min(ratios)}
    return None


def output_of(*command):
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    return run.stdout.strip() if run.returncode == 0 else None


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return re.sub(r"\((R|TM)\)|\s+", lambda m: "" if m[1] else " ", line.split(":", 1)[1]).strip()
    return platform.machine()


def machine(threads):
    return {
        "host": platform.node(),
        "cpu": cpu_name(),
        "torch_cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": os.cpu_count(),
        "threads": threads,
        "kernel": platform.release(),
    }


def versions(program):
    found = {"torch": torch.__version__, "python": platform.python_version(), "mkldnn": torch.backends.mkldnn.is_available()}
    return found | ({} if program is None else {"noise2stack": output_of(program, "--version")})


def write(report, folder):
    slug = re.sub(r"[^a-z0-9]+", "-", report["machine"]["cpu"].lower()).strip("-")
    path = folder / f"{report['date'][:10]}-{slug}.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    print(f"written: {os.path.relpath(path)}")


def check_nets():
    for net, planes in (("mri", 5), ("microscopy", 2)):
        count = sum(p.numel() for p in build(net, planes).parameters())
        if count != NETS[net].parameters_at_bench_size:
            sys.exit(f"peer: the {net} net has {count} parameters, not {NETS[net].parameters_at_bench_size}")


def parse():
    parser = argparse.ArgumentParser(prog="bench/pytorch/run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", default=str(ROOT / "build/release/tools/n2s"), help="our program (default: the release build)")
    parser.add_argument("--pytorch-only", action="store_true", help="measure PyTorch alone")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=1.5, help="least seconds per PyTorch figure (default 1.5)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of both (default: all cores)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only cases whose name holds TEXT, e.g. 'mri' or 'training'")
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench/results", help="folder for the JSON report")
    parser.add_argument("--no-write", action="store_true", help="print only")
    arguments = parser.parse_args()
    arguments.program = None if arguments.pytorch_only else arguments.program
    if arguments.program is not None and not os.access(arguments.program, os.X_OK):
        parser.error(f"{arguments.program} is not there: build it with tools/scripts/build, or pass --pytorch-only")
    return arguments


def main():
    arguments = parse()
    check_nets()
    torch.set_num_threads(arguments.threads)
    cases = [case for case in CASES if arguments.only in key(case)]
    if not cases:
        sys.exit(f"peer: no case's name holds '{arguments.only}'")
    times = measure(cases, arguments.program, arguments.threads, arguments.rounds, arguments.seconds)
    rows = summarise(cases, times)
    report = {
        "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "commit": output_of("git", "rev-parse", "HEAD"),
        "uncommitted_changes": bool(output_of("git", "status", "--porcelain", "--untracked-files=no")),
        "machine": machine(arguments.threads),
        "versions": versions(arguments.program),
        "precision": "fp32",
        "rounds": arguments.rounds,
        "summary": print_table(rows),
        "cases": rows,
        "every_round_ms_per_plane": times,
    }
    if not arguments.no_write:
        write(report, arguments.output)


if __name__ == "__main__":
    main()
