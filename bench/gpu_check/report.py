"""The tables at the end of a run, from its JSON document."""

import math
import statistics


def stages(document):
    lines = []
    for name, stage in document["stages"].items():
        why = stage.get("failed") or stage.get("left_out") or stage.get("note") or ""
        lines.append(f"  {name:11s} {stage['status']:9s}{stage.get('seconds', 0):7.1f} s  {why}")
    return lines


def tests(stage):
    rows = stage.get("runs", [])
    lines = [f"tests: {sum(r['passed'] for r in rows)} cases passed, {sum(r['failed'] for r in rows)} failed"]
    lines += [f"  {row['program']} {row['cases']}: {row['why']}" for row in rows if "why" in row]
    return lines


def sanitizers(stage):
    rows = stage.get("runs", [])
    clean = [row for row in rows if "why" not in row and row["finished"]]
    lines = [f"compute-sanitizer: {len(clean)} of {len(rows)} runs ended without errors"]
    lines += [f"  {row['why']}" for row in rows if "why" in row]
    lines += [f"  not finished: {name}" for name in stage.get("not_finished", [])]
    return lines


def quality(stage):
    if "trained" not in stage:
        return []
    lines = [f"PSNR, dB (noisy {stage['noisy_psnr']:.2f}): {'trained in':>12s}{'applied in':>12s}{'seconds':>9s}"]
    for precision, row in stage["trained"].items():
        seconds = row["train_seconds"]
        lines.append(f"  {precision:28s}{row['psnr']:12.2f}{stage['applied'][precision]:12.2f}"
                     + (f"{seconds:9.1f}" if seconds is not None else ""))
    return lines


def steps(stage):
    rows = stage.get("cases", [])
    if not rows:
        return []
    rounds = stage.get("rounds", {})
    lines = [f"ms per plane, medians of {rounds.get('noise2stack', 0)} and {rounds.get('pytorch', 0)} rounds in turns; "
             "PyTorch's fastest way",
             f"  {'':44s}{'Noise2Stack':>12s}{'of ceiling':>11s}{'PyTorch':>10s}{'ratio':>8s}  way"]
    for row in rows:
        name = f"{row['net']} n={row['planes']} {row['batch']} x {row['size']}² {row['pass']} {row['precision']}"
        line = f"  {name:44s}{row['ms_per_plane']:12.4f}{100 * row['share_of_ceiling']:10.0f}%"
        if "ratio" in row:
            best = row["pytorch_best"]
            line += f"{row['pytorch_ms_per_plane'][best]:10.4f}{row['ratio']:7.2f}x  {best}"
        lines.append(line)
    return lines + ratios(rows) + across_precisions(rows)


def ratios(rows):
    found = [row["ratio"] for row in rows if "ratio" in row]
    if not found:
        return []
    mean = math.exp(statistics.fmean(map(math.log, found)))
    return [f"  times as fast as PyTorch in the same precision: geometric mean {mean:.2f}x, least {min(found):.2f}x"]


def across_precisions(rows):
    """What a user would choose: each side's fastest precision."""
    lines, cases = [], {}
    for row in rows:
        cases.setdefault((row["net"], row["batch"], row["size"], row["pass"]), []).append(row)
    for (net, batch, size, which), group in cases.items():
        peers = [(r["pytorch_ms_per_plane"][r["pytorch_best"]], r) for r in group if "ratio" in r]
        if len(group) < 2 or not peers:
            continue
        ours = min(group, key=lambda r: r["ms_per_plane"])
        time, theirs = min(peers, key=lambda pair: pair[0])
        lines.append(f"  fastest of all: {net} {batch} x {size}² {which}: {1000 / ours['ms_per_plane']:.0f} planes/s "
                     f"({ours['precision']}), PyTorch {1000 / time:.0f} ({theirs['precision']}, {theirs['pytorch_best']}): "
                     f"{time / ours['ms_per_plane']:.2f}x")
    return lines


def epoch(stage, cases):
    lines = []
    for precision, row in stage.get("precisions", {}).items():
        line = f"  {precision}: {row['seconds_per_epoch']:.3f} s an epoch of {row['steps_per_epoch']:.0f} steps"
        # PyTorch's is put together from its steps: what a loop around them costs is not in it.
        for case in cases:
            if (case["net"], case["batch"], case["size"], case["pass"], case["precision"]) == (
                    "mri", 16, 256, "training", precision) and "ratio" in case:
                time = 0.016 * case["pytorch_ms_per_plane"][case["pytorch_best"]] * row["steps_per_epoch"]
                line += f"; PyTorch's steps alone: {time:.3f} s"
        lines.append(line)
    return ["epochs as users run them, MRI network with 5 planes, undersampled anew at every visit"] + lines if lines else []


def operations(stage):
    lines = []
    for name, values in (stage.get("ceilings") or {}).items():
        lines.append(f"  ceiling {name}: {values['tflops']:.1f} TFLOP/s in registers, {values['gbytes_per_second']:.0f} GB/s")
    for name, value in (stage.get("pytorch_ceilings") or {}).items():
        lines.append(f"  ceiling by PyTorch, {name}: {value:.1f}")
    theirs = {(r["layer"], r["pass"], r["precision"]): r for r in stage.get("pytorch_operations", []) if "ms" in r}
    rows = stage.get("noise2stack", [])
    if not rows:
        return lines
    lines.append(f"  {'convolutions':44s}{'variant':>10s}{'ms':>9s}{'TFLOP/s':>9s}{'ceiling':>9s}{'cuDNN':>9s}{'ratio':>8s}")
    for row in rows:
        precision = row["variant"].split()[-1]
        line = (f"  {row['layer'] + ', ' + row['pass']:44s}{row['variant']:>10s}{row['ms']:9.4f}{row['tflops']:9.1f}"
                f"{100 * row['share_of_ceiling']:8.0f}%")
        peer = theirs.get((row["layer"], row["pass"], precision))
        lines.append(line + (f"{peer['ms']:9.4f}{peer['ms'] / row['ms']:7.2f}x" if peer else ""))
    return lines


def text(document):
    results = document["stages"]
    gpu = ((results.get("machine") or {}).get("gpu") or {}).get("name", "no GPU")
    commit = (document.get("build") or {}).get("commit") or "unknown"
    parts = [operations(results.get("operations", {})), epoch(results.get("epoch", {}), results.get("steps", {}).get("cases", [])),
             steps(results.get("steps", {})), quality(results.get("quality", {})),
             sanitizers(results["sanitizers"]) if "sanitizers" in results else [],
             tests(results["tests"]) if "tests" in results else [],
             [f"gpu_check {document['date']}, {commit[:12]}, {gpu}", *stages(document)]]  # the sum comes last: ends are seen
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"
