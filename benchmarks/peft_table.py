"""Every PEFT method on the same data with the same budget: a Markdown table for each set.

    python benchmarks/peft_table.py --model MODEL --set home train.jsonl heldout.jsonl --results results.jsonl
    python benchmarks/peft_table.py --model MODEL --set home train.jsonl heldout.jsonl --results results.jsonl --speed

MODEL is a folder or .gguf file; the files are conversations in any form that hone-convert takes. Needs the programs of
build/release/bin and nothing else. The first call trains every method once for each seed, `--jobs` at a time with one
thread each, and notes the loss on the held-out rows and how many of them are answered exactly. The second measures
tokens a second and peak memory on an otherwise idle machine, all methods in turn. Both keep every run in RESULTS, do
only what is missing there, and print the tables. The learning rate is each method's own, the usual one of its paper or
of PEFT's examples.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

STORED = ["--quantization", "stored"]
# name -> options of hone-sft, learning rate
METHODS = {
    "full": (["--peft", "full"], 2e-5),
    "lora r 8, q and v": (["--peft", "lora"], 5e-4),
    "lora r 8, all-linear": (["--peft", "lora", "--target-modules", "all-linear"], 5e-4),
    "lora r 8, base as stored": (["--peft", "lora", *STORED], 5e-4),
    "lora r 8, base as stored, checkpointing": (["--peft", "lora", *STORED, "--gradient-checkpointing"], 5e-4),
    "lora r 8, base in nf4": (["--peft", "lora", "--quantization", "nf4"], 5e-4),
    "lora+ r 8, ratio 16": (["--peft", "lora", "--loraplus-lr-ratio", "16"], 2e-4),
    "rslora r 8": (["--peft", "rslora"], 5e-4),
    "dora r 8": (["--peft", "dora"], 5e-4),
    "pissa r 8": (["--peft", "pissa"], 5e-4),
    "olora r 8": (["--peft", "olora"], 5e-4),
    "adalora r 12": (["--peft", "adalora"], 2e-3),
    "vera r 256": (["--peft", "vera"], 5e-3),
    "loha r 8": (["--peft", "loha"], 1e-3),
    "lokr r 8": (["--peft", "lokr"], 1e-3),
    "oft, blocks of 32": (["--peft", "oft"], 1e-3),
    "ia3": (["--peft", "ia3"], 5e-3),
    "layer norms": (["--peft", "ln_tuning"], 5e-3),
    "last layer": (["--peft", "last_layers"], 2e-4),
    "houlsby": (["--peft", "houlsby"], 5e-4),
    "pfeiffer": (["--peft", "pfeiffer"], 5e-4),
    "parallel": (["--peft", "parallel"], 5e-4),
    "prompt tuning, 20": (["--peft", "prompt_tuning", "--prompt-tuning-init", "SAMPLE_VOCAB"], 3e-2),
    "p-tuning, 20": (["--peft", "p_tuning"], 1e-3),
    "prefix tuning, 20": (["--peft", "prefix_tuning"], 3e-2),
}
# The same numbers by another way: their losses are the plain one's, so that only cost is measured.
COST_ONLY = {"lora r 8, base as stored", "lora r 8, base as stored, checkpointing"}


def run(command, threads=None):
    own = {} if threads is None else {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env={**os.environ, **own})
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done


def prepare(a, folder):
    """Tokenized rows of each set in `folder`/<set>; the held-out rows as they came beside them."""
    for name, train, heldout in a.set:
        own = folder / name
        own.mkdir()
        rows = Path(heldout).read_text().splitlines(keepends=True)[:a.heldout_rows]
        (own / "heldout.raw.jsonl").write_text("".join(rows))
        for source, kind in ((train, "train"), (own / "heldout.raw.jsonl", "heldout")):
            run([a.programs / "hone-convert", "--model", a.model, "--input", source, "--output", own / f"{kind}.jsonl"])


def exact_answers(a, model, data, threads):
    """Share of held-out requests answered exactly, in per cent."""
    said = run([a.programs / "hone-evaluate", *model, "--data", data, "--limit", a.score_rows], threads).stdout
    return float(re.findall(r"([\d.]+) %", re.search(r"exact match.*", said).group(0))[-1])


def train(a, name, method, seed, steps, folder, threads=None):
    """One run: (what it said, its folder). Without evaluation where only its cost is asked for."""
    options, rate = METHODS[method]
    out = folder / f"run_{name}_{method}_{seed}".replace(" ", "_").replace(",", "")
    evaluation = [] if threads is None else ["--eval-data", folder / name / "heldout.jsonl"]
    said = run([a.programs / "hone-sft", "--model", a.model, "--train-data", folder / name / "train.jsonl", *evaluation,
                "--output-dir", out, "--overwrite-output-dir", "--max-steps", steps, "--seed", seed, "--learning-rate",
                rate, "--save-steps", 0, "--dtype", a.dtype, *options], threads).stderr
    return said, out


def measure_quality(a, name, method, seed, folder):
    said, out = train(a, name, method, seed, a.steps, folder, threads=1)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    trained = re.search(r"training ([\d,]+) of [\d,]+ parameters \(([\d.]+ %)\)", said)
    options = METHODS[method][0]
    model = ["--model", out / "final"] if method == "full" else ["--model", a.model, "--adapter", out / "final"]
    if "--quantization" in options:  # answered over the base that was trained on
        model += options[options.index("--quantization"):][:2]
    score = exact_answers(a, model, folder / name / "heldout.raw.jsonl", 1) if a.score_rows else None
    shutil.rmtree(out)
    return {"set": name, "method": method, "seed": seed, "score": score, "trained": trained.group(1),
            "share": trained.group(2), "loss": [line["eval_loss"] for line in lines if "eval_loss" in line][-1]}


def measure_cost(a, name, method, round_, folder):
    said, out = train(a, name, method, round_, a.speed_steps, folder)
    shutil.rmtree(out)
    rates = re.findall(r"([\d,]+) tokens/s", said)  # the last counts the whole loop, without loading
    return {"set": name, "method": method, "round": round_, "rate": float(rates[-1].replace(",", "")),
            "memory": float(re.search(r"peak memory ([\d.]+) MiB", said).group(1))}


def known(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def work(a, jobs, do):
    """Calls `do` for each job that RESULTS lacks and notes what comes back."""
    number = "round" if a.speed else "seed"
    done = {(r["set"], r["method"], r[number]) for r in known(a.results) if number in r}
    missing = [job for job in jobs if job not in done]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prepare(a, folder)
        with concurrent.futures.ThreadPoolExecutor(1 if a.speed else a.jobs) as pool:
            for future in concurrent.futures.as_completed([pool.submit(do, a, *job, folder) for job in missing]):
                with a.results.open("a") as file:
                    file.write(json.dumps(future.result()) + "\n")


def print_tables(a):
    rows = known(a.results)
    for name, *_ in a.set:
        print(f"\n{name}\n\n| method | trained | share | peak memory, MiB | tokens/s | held-out loss | spread | exact match |")
        print("|---|---|---|---|---|---|---|---|")
        for method in a.methods:
            own = [r for r in rows if r["set"] == name and r["method"] == method]
            quality, cost = [r for r in own if "loss" in r], [r for r in own if "rate" in r]
            cell = lambda values, text: text(values) if values else "-"
            loss = [r["loss"] for r in quality]
            scores = [r["score"] for r in quality if r["score"] is not None]
            print(f"| {method} | {quality[0]['trained'] if quality else '-'} | {quality[0]['share'] if quality else '-'} | "
                  + cell([r["memory"] for r in cost], lambda v: f"{statistics.median(v):,.0f}") + " | "
                  + cell([r["rate"] for r in cost], lambda v: f"{statistics.median(v):,.0f}") + " | "
                  + cell(loss, lambda v: f"{statistics.mean(v):.3f}") + " | "
                  + cell(loss[1:], lambda _: f"{max(loss) - min(loss):.3f}") + " | "
                  + cell(scores, lambda v: f"{statistics.mean(v):.0f} % ({min(v):.0f} to {max(v):.0f})") + " |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--set", nargs=3, action="append", required=True, metavar=("NAME", "TRAIN", "HELDOUT"))
    p.add_argument("--programs", type=Path, help="folder of hone-sft and the others",
                   default=Path(__file__).resolve().parent.parent / "build" / "release" / "bin")
    p.add_argument("--results", type=Path, required=True, help="JSON lines, one a run; what is there is not run again")
    p.add_argument("--heldout-rows", type=int, default=60, help="held-out rows for the loss")
    p.add_argument("--score-rows", type=int, default=60, help="held-out rows to answer; 0: no score")
    p.add_argument("--steps", type=int, default=25, help="updates of 8 rows")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time, one thread each")
    p.add_argument("--speed", action="store_true", help="measure cost instead of quality")
    p.add_argument("--speed-steps", type=int, default=5)
    p.add_argument("--speed-rounds", type=int, default=3)
    p.add_argument("--dtype", default="auto")
    p.add_argument("--methods", nargs="*", default=list(METHODS))
    a = p.parse_args()
    if a.speed:
        first = a.set[0][0]  # what an update costs depends on the rows' lengths alone
        work(a, [(first, m, r) for r in range(a.speed_rounds) for m in a.methods], measure_cost)
    else:
        work(a, [(name, m, s) for s in range(a.seeds) for name, *_ in a.set for m in a.methods if m not in COST_ONLY],
             measure_quality)
    print_tables(a)


if __name__ == "__main__":
    main()
