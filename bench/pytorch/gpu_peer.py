"""What PyTorch reaches on a GPU for the work that `n2s bench --device cuda` measures: whole steps and single convolutions.

Work: "training" is what a training step of ours holds: drawing the batch from a dataset on the GPU, shifting or turning
it, undersampling anew (MRI), forward, mean squared error, backward, Adam. "step" is the same on a batch that lies
there. "inference" is one forward pass.
Ways: eager in both memory formats, torch.compile (channels-last), each also as a CUDA graph; fp16 and bf16 by autocast
(inference: weights of that type), fp16 with GradScaler, fused Adam, cuDNN's own search for the fastest kernels. The
fastest way of each case is what one compares with.

Alone: gpu_peer.py [--seconds 240] [--rounds 3] --json OUT
Beside another program: --serve prepares everything, prints {"ready": …} and then measures once for each line it reads,
so that both can be measured in turns (tools/scripts/gpu_check does so).
--smoke: tiny sizes, on the CPU, to see that it works.
"""

import argparse
import dataclasses
import itertools
import json
import pathlib
import statistics
import sys
import time

import torch
from torch.nn import functional as F

from nets import build

START = time.monotonic()
PRECISIONS = ("bf16", "fp16", "tf32", "fp32")
LAYOUTS = {
    "channels-last": torch.channels_last,
    "compiled": torch.channels_last,
    "eager": torch.contiguous_format,
}
STORED = {"fp16": torch.float16, "bf16": torch.bfloat16}
PLANES = {"mri": 5, "microscopy": 2}
SHAPES = ((16, 256), (16, 64), (256, 64))  # batch, side: whole planes, the crops we train on, and many of those at once
CONTENDERS = 1.25  # ways that take longer than the fastest by this factor are measured once only


def say(*words):
    print(f"gpu_peer {time.monotonic() - START:6.1f} s:", *words, file=sys.stderr, flush=True)


def reason(error):
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


@dataclasses.dataclass(frozen=True)
class Setup:
    """What one model is made for; its ways and kinds of work are measured apart."""

    net: str
    batch: int
    size: int
    precision: str
    layout: str

    def record(self, work, way):
        return {"net": self.net, "planes": PLANES[self.net], "batch": self.batch, "size": self.size,
                "precision": self.precision, "work": work, "way": way}


def set_precision(precision):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cudnn.benchmark = True


class Data:
    """A dataset on the device, and batches drawn from it as our training draws them."""

    PLANES = 64

    def __init__(self, setup, device):
        self.setup, self.device, side = setup, device, setup.size
        self.planes = torch.rand(self.PLANES, side, side, device=device) - 0.5
        self.pixels = torch.arange(side, device=device)
        half = PLANES[setup.net] // 2
        # Made here: a CUDA graph takes nothing from the host.
        self.neighbours = torch.tensor([i for i in range(2 * half + 1) if i != half], device=device)
        rows = torch.fft.fftfreq(side, 1 / side, device=device)[:, None]
        columns = torch.arange(side // 2 + 1, device=device)[None]
        self.keep = torch.exp(-0.029733 * 256 / side * torch.hypot(rows, columns.float()))  # one in ten

    def undersampled(self, images):
        spectrum = torch.fft.rfft2(images)
        kept = torch.rand(spectrum.shape, device=self.device) < self.keep
        return torch.fft.irfft2(spectrum * (kept / self.keep), s=images.shape[-2:])

    def draw(self):
        """Neighbouring planes and their target; each image shifted by up to 64 pixels, or turned and mirrored."""
        half, batch, side = PLANES[self.setup.net] // 2, self.setup.batch, self.setup.size
        offsets = torch.arange(-half, half + 1, device=self.device)  # with the target's own plane
        centre = torch.randint(half, self.PLANES - half, (batch, 1), device=self.device)
        images = self.planes[centre + offsets]
        if self.setup.net == "mri":
            shift = torch.randint(0, 65, (2, batch, 1), device=self.device)
            rows, columns = (self.pixels + shift) % side
            images = images.gather(2, rows[:, None, :, None].expand_as(images))
            images = images.gather(3, columns[:, None, None, :].expand_as(images))
            return self.undersampled(images), self.undersampled(images[:, half : half + 1])
        turned, down, across = torch.rand(3, batch, 1, 1, 1, device=self.device) < 0.5
        images = torch.where(turned, images.transpose(2, 3), images)
        images = torch.where(down, images.flip(2), images)
        images = torch.where(across, images.flip(3), images)
        return images.index_select(1, self.neighbours), images[:, half : half + 1]


class Model:
    """One setup with its three kinds of work, as functions without arguments."""

    def __init__(self, setup, device):
        self.setup, self.device = setup, device
        set_precision(setup.precision)
        layout = LAYOUTS[setup.layout]
        self.dtype = STORED.get(setup.precision)
        planes = PLANES[setup.net]
        self.model = build(setup.net, planes).to(device, memory_format=layout)
        restorer = build(setup.net, planes).to(device, self.dtype or torch.float32, memory_format=layout).eval()
        compiled = (lambda m: torch.compile(m, dynamic=False)) if setup.layout == "compiled" else lambda m: m
        self.forward, self.restorer = compiled(self.model), compiled(restorer)
        self.adam = torch.optim.Adam(self.model.parameters(), lr=1e-4, fused=True, capturable=device.type == "cuda")
        self.scaler = torch.amp.GradScaler(device.type, enabled=setup.precision == "fp16", init_scale=1024.0)
        self.data = Data(setup, device)
        draw = lambda channels: torch.randn(setup.batch, channels, setup.size, setup.size, device=device)
        self.inputs = [draw(planes).to(memory_format=layout) for _ in range(4)]
        self.stored = [x.to(self.dtype or torch.float32) for x in self.inputs]
        self.target = draw(1).to(memory_format=layout)
        self.turn = itertools.cycle(range(4))

    def train(self, images, target):
        self.adam.zero_grad(set_to_none=False)
        with torch.autocast(self.device.type, dtype=self.dtype or torch.bfloat16, enabled=self.dtype is not None):
            loss = F.mse_loss(self.forward(images).float(), target)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.adam)
        self.scaler.update()

    def training(self):
        images, target = self.data.draw()
        layout = LAYOUTS[self.setup.layout]
        self.train(images.contiguous(memory_format=layout), target.contiguous(memory_format=layout))

    def step(self):
        self.train(self.inputs[next(self.turn)], self.target)

    def inference(self):
        with torch.inference_mode():
            self.restorer(self.stored[next(self.turn)])


class Clock:
    """Median time of a call: by events on a GPU, where calls only enqueue."""

    def __init__(self, device, seconds):
        self.cuda, self.seconds = device.type == "cuda", seconds

    def block(self, work, calls):
        if not self.cuda:
            start = time.perf_counter()
            for _ in range(calls):
                work()
            return (time.perf_counter() - start) / calls
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(calls):
            work()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1e3 / calls

    def milliseconds(self, work):
        work()
        once = max(self.block(work, 1), 1e-6)
        calls = max(1, int(self.seconds / 5 / once))  # five blocks
        return 1e3 * statistics.median(self.block(work, calls) for _ in range(5 if self.cuda else 3))


class Case:
    """One kind of work in one way, ready to be timed."""

    def __init__(self, setup, work, way, call, calls_inside):
        self.setup, self.key, self.call, self.inside = setup, setup.record(work, way), call, calls_inside

    def measure(self, clock):
        set_precision(self.setup.precision)
        return clock.milliseconds(self.call) / self.inside / self.setup.batch


class Peer:
    """Prepares as many cases as the time allows, the likely winners first, and measures them as often as asked."""

    def __init__(self, device, arguments):
        self.device, self.arguments = device, arguments
        self.clock = Clock(device, arguments.case_seconds)
        self.cases, self.failed, self.left_out = [], [], []
        self.best = {}  # of each case's work, whatever the way, in the rounds so far
        self.last = {}
        self.pool = torch.cuda.graph_pool_handle() if device.type == "cuda" else None

    def out_of_time(self):
        return time.monotonic() - START > self.arguments.seconds

    def setups(self):
        shapes = ((2, 32),) if self.arguments.smoke else SHAPES
        layouts = [way for way in LAYOUTS if way != "compiled" or self.arguments.compile]
        for shape in shapes:
            for layout in layouts:
                for precision in self.arguments.precisions:
                    # channels-last is what tensor cores take, as the first shape shows
                    if layout == "eager" and shape != shapes[0] and precision in STORED:
                        continue
                    if shape == SHAPES[2] and (layout == "eager" or precision not in STORED):
                        continue
                    for net in PLANES:
                        yield Setup(net, *shape, precision, layout)

    def prepare(self):
        for setup in self.setups():
            if self.out_of_time():
                self.left_out.append(dataclasses.asdict(setup))
                continue
            try:
                self.add(setup)
            except Exception as error:  # one way that fails does not end the others
                self.fail(setup, "all", error)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
        say(f"{len(self.cases)} cases ready, {len(self.failed)} failed, {len(self.left_out)} models left out for time")

    def fail(self, setup, work, error):
        say(f"{setup}: {work}: {reason(error)}")
        self.failed.append({**dataclasses.asdict(setup), "work": work, "why": reason(error)})

    def add(self, setup):
        start = time.monotonic()
        model = Model(setup, self.device)
        for work, calls in (("training", 1), ("step", 4), ("inference", 4)):
            call = getattr(model, work)
            try:
                for _ in range(2):
                    call()
                self.cases.append(Case(setup, work, setup.layout, call, 1))
                if self.device.type == "cuda" and not self.arguments.compile_only:
                    self.cases.append(Case(setup, work, setup.layout + " graph", self.graphed(call, calls), calls))
            except Exception as error:
                self.fail(setup, work, error)
        say(f"{setup.net} {setup.batch} x {setup.size}² {setup.precision} {setup.layout}: {time.monotonic() - start:.1f} s")

    def graphed(self, call, calls):
        """A CUDA graph of `calls` calls. All graphs share their memory: they run one after the other."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                call()
        torch.cuda.current_stream().wait_stream(stream)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self.pool):
            for _ in range(calls):
                call()
        graph.replay()
        torch.cuda.synchronize()
        return graph.replay

    def round(self):
        """One figure a case; from the second round on only of those that may be the fastest."""
        rows = []
        for case in self.contenders():
            try:
                rows.append({**case.key, "ms_per_plane": case.measure(self.clock)})
            except Exception as error:
                self.fail(case.setup, f"{case.key['work']}, {case.key['way']}", error)
        for row in rows:
            work = self.work_of(row)
            self.best[work] = min(row["ms_per_plane"], self.best.get(work, row["ms_per_plane"]))
        self.last = {tuple(row.items())[:-1]: row["ms_per_plane"] for row in rows}
        return rows

    @staticmethod
    def work_of(row):
        return tuple(row[name] for name in ("net", "batch", "size", "precision", "work"))

    def contenders(self):
        if not self.best:
            return self.cases
        limit = lambda case: CONTENDERS * self.best.get(self.work_of(case.key), 0)
        return [case for case in self.cases if self.last.get(tuple(case.key.items()), float("inf")) <= limit(case)]


# Layers: every shape of convolution of each network once, named and numbered as `n2s bench --op conv3x3` does.
LAYERS = {
    # name: (channels from below, which are upsampled; channels beside them; output channels; side of the image / ...)
    "mri down1.conv1": (0, 5, 48, 1), "mri down1.conv2": (0, 48, 48, 1), "mri down2.conv1": (0, 48, 48, 2),
    "mri down3.conv1": (0, 48, 48, 4), "mri down4.conv1": (0, 48, 48, 8), "mri down5.conv1": (0, 48, 48, 16),
    "mri middle.conv1": (0, 48, 48, 32), "mri up5.conv1": (48, 48, 96, 16), "mri up5.conv2": (0, 96, 96, 16),
    "mri up4.conv1": (96, 48, 96, 8), "mri up4.conv2": (0, 96, 96, 8), "mri up3.conv1": (96, 48, 96, 4),
    "mri up3.conv2": (0, 96, 96, 4), "mri up2.conv1": (96, 48, 96, 2), "mri up2.conv2": (0, 96, 96, 2),
    "mri up1.conv1": (96, 5, 64, 1), "mri up1.conv2": (0, 64, 32, 1), "mri output": (0, 32, 1, 1),
    "microscopy down1.conv1": (0, 2, 32, 1), "microscopy down1.conv2": (0, 32, 32, 1),
    "microscopy down2.conv1": (0, 32, 64, 2), "microscopy down2.conv2": (0, 64, 64, 2),
    "microscopy middle.conv1": (0, 64, 128, 4), "microscopy middle.conv2": (0, 128, 64, 4),
    "microscopy up2.conv1": (64, 64, 64, 2), "microscopy up2.conv2": (0, 64, 32, 2),
    "microscopy up1.conv1": (32, 32, 32, 1), "microscopy output": (0, 32, 1, 1),
}  # fmt: skip


def operations(device, arguments):
    """cuDNN's time for each layer and pass, in the faster memory format. Inputs lie there joined and of their type:
    upsampling, concatenation, activation and conversion, which our kernels do on the way, are not in it."""
    clock = Clock(device, arguments.case_seconds / 4)
    batch, side = (2, 32) if arguments.smoke else (arguments.operation_batch, 256)
    rows = []
    for precision in arguments.precisions:
        for name, (low, skip, outputs, divisor) in LAYERS.items():
            if time.monotonic() - START > arguments.seconds:
                return rows
            try:
                rows += layer(device, clock, precision, name, (batch, low + skip, outputs, side // divisor))
            except Exception as error:
                rows.append({"layer": name, "precision": precision, "why": reason(error)})
        say(f"operations in {precision} measured")
    return rows


def layer(device, clock, precision, name, shape):
    batch, inputs, outputs, side = shape
    set_precision(precision)
    dtype = STORED.get(precision, torch.float32)
    times = {}
    # Tensor cores take channels-last; in 16 bits the other format is only converted.
    ways = (("channels-last", torch.channels_last), ("contiguous", torch.contiguous_format))
    for way, layout in ways[: 1 if precision in STORED else 2]:
        draw = lambda *s: torch.randn(*s, device=device).to(dtype).contiguous(memory_format=layout)
        x, weight, gradient = draw(batch, inputs, side, side), draw(outputs, inputs, 3, 3), draw(batch, outputs, side, side)
        bias = torch.randn(outputs, device=device).to(dtype)
        backward = lambda mask: torch.ops.aten.convolution_backward(
            gradient, x, weight, [outputs], [1, 1], [1, 1], [1, 1], False, [0, 0], 1, mask)
        with torch.inference_mode():
            for work, call in (("forward", lambda: F.conv2d(x, weight, bias, padding=1)),
                               ("data gradient", lambda: backward([True, False, False])),
                               ("weight gradient", lambda: backward([False, True, True]))):
                call()
                times.setdefault(work, {})[way] = clock.milliseconds(call)
    gflop = 18e-9 * inputs * outputs * batch * side * side
    return [{"layer": name, "pass": work, "precision": precision, "batch": batch, "size": side,
             "ms": min(ways.values()), "way": min(ways, key=ways.get), "tflops": gflop / min(ways.values())}
            for work, ways in times.items()]


def ceilings(device, arguments):
    """What a large copy and large matrix products reach here, on random data."""
    clock = Clock(device, 0.5)
    side, count = (256, 1 << 20) if arguments.smoke else (8192, 1 << 30)
    a = torch.randint(0, 255, (count,), dtype=torch.uint8, device=device)
    b = torch.empty_like(a)
    result = {"copy_gbytes_per_second": 2 * count / clock.milliseconds(lambda: b.copy_(a)) / 1e6}
    for precision in arguments.precisions:
        set_precision(precision)
        x, y = (torch.randn(side, side, device=device).to(STORED.get(precision, torch.float32)) for _ in range(2))
        result[f"{precision}_tflops"] = 2e-9 * side**3 / clock.milliseconds(lambda: x @ y)
    return result


def describe(device):
    found = {"torch": str(torch.__version__), "device": "CPU"}
    if device.type == "cuda":
        found |= {"device": torch.cuda.get_device_name(), "cuda": torch.version.cuda,
                  "cudnn": torch.backends.cudnn.version(),
                  "compute_capability": "{}.{}".format(*torch.cuda.get_device_capability())}
    return found


def serve(peer):
    """One line in, one round out, until the input ends."""
    emit = lambda document: print(json.dumps(document), flush=True)
    peer.prepare()
    emit({"ready": {**describe(peer.device), "cases": len(peer.cases), "failed": peer.failed, "left_out": peer.left_out}})
    for _ in sys.stdin:
        emit({"rows": peer.round()})


def medians(rounds):
    """One row a case and way: median and least over the rounds."""
    times = {}
    for row in itertools.chain(*rounds):
        key = tuple((name, value) for name, value in row.items() if name != "ms_per_plane")
        times.setdefault(key, []).append(row["ms_per_plane"])
    return [{**dict(key), "ms_per_plane": statistics.median(values), "least_ms_per_plane": min(values)}
            for key, values in times.items()]


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--what", choices=("cases", "operations", "ceilings", "all"), default="all")
    parser.add_argument("--seconds", type=float, default=240, help="stop preparing after this long (default 240)")
    parser.add_argument("--case-seconds", type=float, default=0.2, help="time for one figure (default 0.2)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precisions", type=lambda text: text.split(","), default=list(PRECISIONS), metavar="fp16,fp32")
    parser.add_argument("--operation-batch", type=int, default=16, help="images for single operations (default 16)")
    parser.add_argument("--no-compile", dest="compile", action="store_false", help="without torch.compile")
    parser.add_argument("--compile-only", action="store_true", help="fill torch.compile's cache and end")
    parser.add_argument("--serve", action="store_true", help="measure the cases once for each line of the input")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes")
    parser.add_argument("--json", type=pathlib.Path, help="write the results there")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if device.type == "cuda" and torch.cuda.get_device_capability()[0] < 8:
        arguments.precisions = [p for p in arguments.precisions if p in ("fp16", "fp32")]
    if device.type == "cpu":
        arguments.precisions = [p for p in arguments.precisions if p == "fp32"]
        arguments.case_seconds = min(arguments.case_seconds, 0.02)
        torch.set_num_threads(1)
    unknown = set(arguments.precisions) - set(PRECISIONS)
    if unknown:
        parser.error(f"no such precision: {', '.join(sorted(unknown))}")
    return arguments, device


def main():
    arguments, device = parse()
    # One compilation for each model, however many there are.
    for name in ("recompile_limit", "cache_size_limit", "accumulated_recompile_limit", "accumulated_cache_size_limit"):
        if hasattr(torch._dynamo.config, name):
            setattr(torch._dynamo.config, name, 1024)
    peer = Peer(device, arguments)
    if arguments.compile_only:
        LAYOUTS.pop("channels-last"), LAYOUTS.pop("eager")
        return peer.prepare()
    if arguments.serve:
        return serve(peer)
    document = describe(device)
    if arguments.what in ("ceilings", "all"):
        document["ceilings"] = ceilings(device, arguments)
    if arguments.what in ("cases", "all"):
        peer.prepare()
        document["cases"] = medians([peer.round() for _ in range(arguments.rounds)])
        document["failed"], document["left_out"] = peer.failed, peer.left_out
    if arguments.what in ("operations", "all"):
        document["operations"] = operations(device, arguments)
    text = json.dumps(document, indent=1)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    else:
        print(text)


if __name__ == "__main__":
    main()
