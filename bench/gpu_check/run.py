"""`tools/scripts/gpu_check run`: all stages, in order."""

import threading

import correctness
import report
import speed
from session import Session, StageError

# Right or wrong does not depend on the time it takes: these run beside each other, and beside torch.compile.
CORRECTNESS = {"tests": correctness.tests, "sanitizers": correctness.sanitizers, "quality": correctness.quality}
ALONE = {"epoch": speed.epoch, "steps": speed.steps, "operations": speed.operations}


def why_not(session):
    """Why nothing can be checked here, in one line; None where it can."""
    try:
        cuda = session.n2s("info").get("cuda")
    except StageError as error:
        return str(error)
    if session.smoke:
        return None
    if not isinstance(cuda, dict):
        return "the program was built without CUDA"
    return f"no GPU here: {cuda['none']}" if "none" in cuda else None


def run(root, arguments):
    program = arguments.program or arguments.folder / "bin/n2s"
    if not program.exists():
        print(f"gpu_check: {program} is not there: run `gpu_check prepare` first, or carry its folder along")
        return 1
    for file in (arguments.folder / "bin").glob("*"):
        file.chmod(file.stat().st_mode | 0o111)  # some ways of copying forget it
    session = Session(root, arguments)
    reason = why_not(session)
    if reason:
        print(f"gpu_check: {reason}", flush=True)
        session.close()
        return 1

    wanted = list(arguments.stages)
    if session.smoke:
        wanted = [stage for stage in wanted if stage not in ("tests", "sanitizers")]
    if "machine" in wanted:
        session.stage("machine", correctness.machine)
    threads = [threading.Thread(target=session.stage, args=(name, work)) for name, work in CORRECTNESS.items() if name in wanted]
    warm_up = threading.Thread(target=speed.warm_up_compiler, args=(session,), daemon=True)
    if "steps" in wanted:
        warm_up.start()
    for thread in threads:
        thread.start()
    for thread in [*threads, *([warm_up] if "steps" in wanted else [])]:
        thread.join()
    for name, work in ALONE.items():
        if name not in wanted:
            continue
        if session.seconds_left() < 15:
            session.stage(name, lambda _: {"left_out": "no time left"})
        else:
            session.stage(name, work)

    text = report.text(session.document)
    (session.out / "gpu_check.txt").write_text(text)
    print("\n" + text, flush=True)
    failed = [name for name, stage in session.document["stages"].items() if stage["status"] == "failed"]
    session.close()
    return len(failed)
