"""The memory of Noise2Stack and of PyTorch, the same work in a process of its own each: the peak of the resident set.

usage: bench/pytorch/run --memory [--program N2S] [--threads N]

Eight cases: {MRI net, 5 planes; microscopy net, 2 planes} x {training step, inference} x {16 patches of 64x64, 16 planes of
256x256}, fp32. Both include the program itself and what it loads; PyTorch runs eager in both memory formats, and the lesser
counts.
"""
import argparse
import json
import math
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = ("eager", "channels-last")
CASES = [
    {"net": net, "planes": planes, "pass": which, "batch": 16, "size": size}
    for net, planes in (("mri", 5), ("microscopy", 2))
    for which in ("training", "inference")
    for size in (64, 256)
]


def ours(program, case, threads):
    """Without the arrays that the benchmark has measured the machine's memory with before."""
    arguments = [x for name in ("net", "planes", "batch", "size", "pass") for x in (f"--{name}", str(case[name]))]
    command = [program, "bench", *arguments, "--device", "cpu", "--precision", "fp32", "--threads", str(threads), "--json", "--quiet"]
    (result,) = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["results"]
    return result["peak_memory_bytes"] / 2**20


def pytorch(case, name, threads):
    """This process stays small, as a child's peak counts what it was forked from."""
    work = json.dumps({"case": case, "format": name, "threads": threads})
    process = subprocess.Popen([sys.executable, __file__, "--one", work])
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("memory: PyTorch failed")
    return usage.ru_maxrss / 1024


def run_pytorch(text):
    import torch
    import peer

    work = json.loads(text)
    torch.set_num_threads(work["threads"])
    call = peer.pytorch_work(work["case"], peer.FORMATS[work["format"]])
    for _ in range(3):
        call()


def main():
    parser = argparse.ArgumentParser(prog="bench/pytorch/run --memory", description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", default=str(ROOT / "build/release/tools/n2s"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return run_pytorch(arguments.one)
    print(f"peak of memory, MiB\n{'':38s}{'noise2stack':>14s}" + "".join(f"{name:>16s}" for name in FORMATS) + "     part of the less")
    parts = []
    for case in CASES:
        own = ours(arguments.program, case, arguments.threads)
        theirs = [pytorch(case, name, arguments.threads) for name in FORMATS]
        parts.append(own / min(theirs))
        name = f"{case['net']}, {case['planes']} planes, {case['pass']}, {case['batch']} x {case['size']}²"
        print(f"{name:38s}{own:14.0f}" + "".join(f"{mib:16.0f}" for mib in theirs) + f"{parts[-1]:17.2f}", flush=True)
    print(f"geometric mean {math.exp(sum(map(math.log, parts)) / len(parts)):.2f}, most {max(parts):.2f}")


if __name__ == "__main__":
    main()
