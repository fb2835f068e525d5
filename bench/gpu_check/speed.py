"""The stages that ask how fast: epoch, steps, operations. Nothing else runs beside them."""

import concurrent.futures
import json
import selectors
import statistics
import time

from correctness import gpu_state, truth
from session import StageError, last_line

SHAPES = ((16, 256), (16, 64), (256, 64))  # batch and side, as gpu_peer.py has them
OPERATION_BATCH = 4  # images of 256x256: fills any GPU
ROUNDS = 3


class Peer:
    """gpu_peer.py --serve: prepares its models once, then measures whenever it is asked."""

    def __init__(self, session, seconds):
        self.session = session
        self.errors = open(session.scratch / "peer.log", "w+")
        command = session.peer("--serve", "--seconds", seconds, "--case-seconds", "0.05")
        self.process = session.spawn(command, stdin=-1, stdout=-1, stderr=self.errors)

    def answer(self, seconds):
        """The next line; StageError when there is none in time."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(max(1.0, seconds)):
                raise StageError(f"PyTorch gave no answer in {seconds:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            raise StageError(f"PyTorch ended: {last_line(self.errors.read())}")
        return json.loads(line)

    def round(self, seconds):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.answer(seconds)["rows"]

    def close(self):
        self.session.end(self.process)
        self.errors.seek(0)
        print(self.errors.read(), file=self.session.log)
        self.errors.close()


def warm_up_compiler(session):
    """Fills torch.compile's cache while correctness is checked; not a result."""
    if session.python is None or session.smoke:
        return
    limit = session.limit("tests")
    command = session.peer("--compile-only", "--seconds", limit - 10)
    with concurrent.futures.ThreadPoolExecutor(len(session.precisions)) as pool:
        for precision in session.precisions:
            pool.submit(session.command, [*command, "--precisions", precision], limit)


def our_round(session, document, limit):
    """{key: figures} of n2s bench, all cases and precisions."""
    found = {}
    shapes = ((2, 32),) if session.smoke else SHAPES
    end = time.monotonic() + limit
    for batch, size in shapes:
        for precision in session.precisions:
            if time.monotonic() > end:
                return found
            try:
                answer = session.n2s("bench", *session.device, "--precision", precision, "--batch", batch, "--size", size,
                                     "--seconds", "0" if session.smoke else "0.3", seconds=60)
            except StageError as error:  # the others may do
                document["failed"] = str(error)
                continue
            document["noise2stack"].setdefault("device", answer["device"])
            document["noise2stack"]["ceilings"][precision] = answer["ceilings"]
            for row in answer["results"]:
                found[(row["net"], batch, size, precision, row["pass"])] = row
    return found


def compared(ours, theirs):
    """One row a case: medians over the rounds, PyTorch's fastest way, and how many times as fast we are."""
    rows = []
    for key in {**{k: 0 for r in ours for k in r}}:
        net, batch, size, precision, which = key
        found = [r[key] for r in ours if key in r]
        row = {"net": net, "planes": found[0]["planes"], "batch": batch, "size": size, "precision": precision, "pass": which,
               "ms_per_plane": statistics.median(r["ms_per_plane"] for r in found),
               "least_ms_per_plane": min(r["ms_per_plane"] for r in found),
               "share_of_ceiling": statistics.median(r["share_of_ceiling"] for r in found),
               "gflops": statistics.median(r["gflops"] for r in found),
               "batches": found[0].get("batches", "")}
        # A training step of ours that makes its batch is compared with one of theirs that does.
        work = "inference" if which == "inference" else "training" if row["batches"] else "step"
        row["compared_with"] = work
        times = {}
        for r in (r for rows_of_round in theirs for r in rows_of_round):
            if (r["net"], r["batch"], r["size"], r["precision"], r["work"]) == (net, batch, size, precision, work):
                times.setdefault(r["way"], []).append(r["ms_per_plane"])
        if times:
            row["pytorch_ms_per_plane"] = {way: statistics.median(values) for way, values in times.items()}
            row["pytorch_best"] = min(row["pytorch_ms_per_plane"], key=row["pytorch_ms_per_plane"].get)
            row["ratio"] = row["pytorch_ms_per_plane"][row["pytorch_best"]] / row["ms_per_plane"]
        rows.append(row)
    return rows


def steps(session):
    left = session.clock("steps")
    document = {"noise2stack": {"ceilings": {}}, "pytorch": None, "gpu_states": [], "cases": []}
    ours, theirs = [], []

    def keep():  # so that a cut-off run leaves the rounds that it had
        document["cases"] = compared(ours, theirs)
        document["rounds"] = {"noise2stack": len(ours), "pytorch": len(theirs)}
        document["pytorch_every_round"] = theirs
        session.document["stages"]["steps"] = {"status": "under way", **document}
        session.save()
        if not session.smoke:
            document["gpu_states"].append(gpu_state(session))

    ours.append(our_round(session, document, left()))
    keep()
    if session.python is None:
        return {**document, "note": "without PyTorch: nothing to compare with"}
    peer = Peer(session, max(20.0, 0.55 * left()))
    try:
        document["pytorch"] = peer.answer(0.75 * left())["ready"]
        session.note(f"steps: PyTorch has {document['pytorch']['cases']} cases ready")
        longest = 0.0
        for number in range(1 if session.smoke else ROUNDS):
            if number > 0 and left() < 1.2 * longest:
                break
            start = time.monotonic()
            if number > 0:
                ours.append(our_round(session, document, left()))
            theirs.append(peer.round(left()))
            longest = max(longest, time.monotonic() - start)
            keep()
            session.note(f"steps: round {number + 1} took {time.monotonic() - start:.0f} s")
    except StageError as error:
        document["failed"] = str(error)
    finally:
        peer.close()
    document["cases"] = compared(ours, theirs)
    return document


def epoch(session):
    """A training on clean planes that are undersampled anew at every visit: the paper's MRI experiment."""
    clean, result = truth(session), {"precisions": {}}
    epochs = 2 if session.smoke else 30
    left = session.clock("epoch")
    for precision in session.precisions:
        record = session.n2s(
            "train", clean, "-o", session.scratch / f"epoch_{precision}", *session.device, "--precision", precision,
            "--noise", "kspace:0.1", "--net", "mri", "--planes", "5", "--epochs", epochs, "--normalise", "none",
            "--batch", "2" if session.smoke else "16", seconds=left())
        result["precisions"][precision] = {
            "seconds_per_epoch": record["train_seconds"] / epochs, "steps_per_epoch": record["steps"] / epochs}
    return result


def operations(session):
    left = session.clock("operations")
    result = {"batch": OPERATION_BATCH, "size": 256}
    if not session.smoke:  # on the CPU the kernel benchmark has one size, and is slow
        ours = session.n2s("bench", *session.device, "--op", "conv3x3", "--batch", OPERATION_BATCH, "--size", "256",
                           "--seconds", "0.1", seconds=0.6 * left())
        result |= {"noise2stack": ours["results"], "ceilings": ours.get("ceilings")}
        session.document["stages"]["operations"] = {"status": "under way", **result}
        session.save()
    if session.python is None:
        return {**result, "note": "without PyTorch: nothing to compare with"}
    for what in ("ceilings", "operations"):
        path = session.scratch / f"{what}.json"
        code, _, err = session.command(
            session.peer("--what", what, "--seconds", max(10.0, left() - 10), "--case-seconds", "0.05",
                         "--operation-batch", OPERATION_BATCH, "--json", path), left() + 10)
        if code != 0:
            result["failed"] = f"gpu_peer.py --what {what}: exit code {code}: {last_line(err)}"
            continue
        result["pytorch_" + what] = json.loads(path.read_text())[what]
    return result
