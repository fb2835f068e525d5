"""Noise2Stack and OpenVINO, inference side by side in one run on the CPU, in fp32 and bf16.

Four cases: {MRI net, 5 planes; microscopy net, 2 planes} x {16 patches of 64x64, 2 planes of 256x256}. Both programs
measure each case in turn, for several rounds; a case's figure is the median over the rounds of each round's median.
OpenVINO runs the same network (its own operations, weights of the same shapes) compiled for latency, on as many threads.
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

import numpy
import openvino
from openvino import opset1, opset13 as op

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRECISIONS = ("fp32", "bf16")
CASES = [{"net": net, "planes": planes, "batch": batch, "size": size}
         for net, planes in (("mri", 5), ("microscopy", 2)) for batch, size in ((16, 64), (2, 256))]
DRAW = numpy.random.default_rng(0)


def key(case):
    return f"{case['net']:10s} n={case['planes']} {case['batch']:2d} x {case['size']}²"


def channels(node):
    return node.get_output_partial_shape(0)[1].get_length()


def conv(node, outputs, slope=None):
    inputs = channels(node)
    weight = DRAW.normal(0, (2 / (9 * inputs)) ** 0.5, (outputs, inputs, 3, 3)).astype(numpy.float32)
    node = op.convolution(node, weight, [1, 1], [1, 1], [1, 1], [1, 1])
    node = op.add(node, numpy.zeros((1, outputs, 1, 1), numpy.float32))
    if slope is None:
        return node
    return op.relu(node) if slope == 0 else op.prelu(node, numpy.array([slope], numpy.float32))


def pool(node):
    return opset1.max_pool(node, [2, 2], [0, 0], [0, 0], [2, 2])


def join(low, skip):
    size = [2 * low.get_output_partial_shape(0)[axis].get_length() for axis in (2, 3)]
    low = op.interpolate(low, numpy.array(size), "nearest", "sizes", axes=numpy.array([2, 3]), nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric")
    return op.concat([low, skip], 1)


def mri(x):
    """nets/mri_unet.cpp"""
    act = 0.1
    t = pool(conv(conv(x, 48, act), 48, act))
    skips = [x, t]
    for _ in range(4):
        t = pool(conv(t, 48, act))
        skips.append(t)
    t = conv(t, 48, act)
    skips.pop()
    for hidden, outputs in ((96, 96),) * 4 + ((64, 32),):
        t = conv(conv(join(t, skips.pop()), hidden, act), outputs, act)
    return conv(t, 1)


def microscopy(x):
    """nets/microscopy_unet.cpp"""
    d1 = conv(conv(x, 32, 0), 32, 0)
    d2 = conv(conv(pool(d1), 32, 0), 64, 0)
    t = conv(conv(pool(d2), 128, 0), 64, 0)
    t = conv(conv(join(t, d2), 64, 0), 32, 0)
    t = conv(conv(join(t, d1), 32, 0), 32, 0)
    middle = (channels(x) - 1) // 2
    return op.add(conv(t, 1), op.gather(x, numpy.array([middle]), 1))


def compiled(case, precision, threads):
    x = op.parameter([case["batch"], case["planes"], case["size"], case["size"]], numpy.float32)
    model = openvino.Model([{"mri": mri, "microscopy": microscopy}[case["net"]](x)], [x])
    hint = {"fp32": openvino.Type.f32, "bf16": openvino.Type.bf16}[precision]
    return openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads,
                                                        "PERFORMANCE_HINT": "LATENCY"})


def openvino_ms_per_plane(case, precision, threads, seconds):
    request = compiled(case, precision, threads).create_infer_request()
    inputs = [DRAW.normal(size=(case["batch"], case["planes"], case["size"], case["size"])).astype(numpy.float32) for _ in range(4)]
    times = []
    for i in range(10_000):
        start = time.perf_counter()
        request.infer([inputs[i % 4]], share_inputs=True, share_outputs=True)
        times.append(time.perf_counter() - start)
        if len(times) > 4 and sum(times[2:]) > seconds:
            break
    return 1e3 * statistics.median(times[2:]) / case["batch"]


def our_ms_per_plane(program, case, precision, threads):
    arguments = [x for name in ("net", "planes", "batch", "size") for x in (f"--{name}", str(case[name]))]
    command = [program, "bench", *arguments, "--pass", "inference", "--device", "cpu", "--precision", precision, "--threads", str(threads),
               "--json"]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"peer: {' '.join(command)}: exit code {run.returncode}: {run.stderr.strip()}")
    (result,) = json.loads(run.stdout)["results"]
    return result["ms_per_plane"]


def measure(arguments):
    times = {key(case): {f"{who} {precision}": [] for precision in PRECISIONS for who in ("n2s", "OpenVINO")} for case in CASES}
    for number in range(arguments.rounds):
        for case in CASES:
            for way, found in times[key(case)].items():
                who, precision = way.split()
                if who == "n2s":
                    found.append(our_ms_per_plane(arguments.program, case, precision, arguments.threads))
                else:
                    found.append(openvino_ms_per_plane(case, precision, arguments.threads, arguments.seconds))
            shown = ", ".join(f"{way} {found[-1]:.3f}" for way, found in times[key(case)].items())
            print(f"round {number + 1}/{arguments.rounds}  {key(case)}  {shown}", file=sys.stderr, flush=True)
    return {case: {way: statistics.median(found) for way, found in ways.items()} for case, ways in times.items()}


def cpu_name():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return re.sub(r"\((R|TM)\)|\s+", lambda m: "" if m[1] else " ", line.split(":", 1)[1]).strip()
    return platform.machine()


def main():
    parser = argparse.ArgumentParser(prog="bench/openvino/run", description=__doc__.split("\n\n")[0])
    parser.add_argument("--program", default=str(ROOT / "build/release/tools/n2s"), help="our program (default: the release build)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=1, help="least seconds per OpenVINO figure (default 1)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="threads of both (default: all cores)")
    parser.add_argument("--output", type=pathlib.Path, help="also write the figures to this JSON file")
    arguments = parser.parse_args()
    figures = measure(arguments)
    ways = list(next(iter(figures.values())))
    print(f"\nms per plane, medians\n{'':24s}" + "".join(f"{way:>15s}" for way in ways) + "   ratio fp32   ratio bf16")
    ratios = {precision: [] for precision in PRECISIONS}
    for case, found in figures.items():
        for precision in PRECISIONS:
            ratios[precision].append(found[f"OpenVINO {precision}"] / found[f"n2s {precision}"])
        print(f"{case:24s}" + "".join(f"{found[way]:15.3f}" for way in ways) + "".join(f"{ratios[p][-1]:12.2f}x" for p in PRECISIONS))
    means = {precision: math.exp(statistics.fmean(map(math.log, found))) for precision, found in ratios.items()}
    print("times as fast as OpenVINO, geometric mean: " + ", ".join(f"{p} {m:.2f}x (least {min(ratios[p]):.2f}x)" for p, m in means.items()))
    if arguments.output:
        arguments.output.write_text(json.dumps({
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), "cpu": cpu_name(), "threads": arguments.threads,
            "openvino": openvino.__version__, "rounds": arguments.rounds, "ms_per_plane": figures, "geometric_mean": means}, indent=1) + "\n")


main()
