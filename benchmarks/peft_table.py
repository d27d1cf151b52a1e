"""Every PEFT method on the same data with the same budget: a Markdown table.

    python benchmarks/peft_table.py --model MODEL --train train.jsonl --heldout heldout.jsonl [--steps 40] [--seeds 3]

MODEL is a folder or .gguf file; the two files are conversations in any form that hone-convert takes. Needs the
programs of build/release/bin and nothing else. For each method: parameters trained, peak memory of the process,
tokens a second while training, loss on the held-out rows (mean and spread over the seeds), and with --score-rows how
many of them are answered exactly. The learning rate is each
method's own, the usual one of its paper or of PEFT's examples.
"""

import argparse
import json
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

BIN = Path(__file__).resolve().parent.parent / "build" / "release" / "bin"
# name -> options of hone-sft, learning rate
METHODS = {
    "full": (["--peft", "full"], 2e-5),
    "lora r 8, q and v": (["--peft", "lora"], 5e-4),
    "lora r 8, all-linear": (["--peft", "lora", "--target-modules", "all-linear"], 5e-4),
    "lora r 8, base as stored": (["--peft", "lora", "--quantization", "stored"], 5e-4),
    "lora r 8, base as stored, checkpointing": (["--peft", "lora", "--quantization", "stored",
                                                 "--gradient-checkpointing"], 5e-4),
    "lora r 8, base in nf4": (["--peft", "lora", "--quantization", "nf4"], 5e-4),
    "dora r 8": (["--peft", "dora"], 5e-4),
    "pissa r 8": (["--peft", "pissa"], 5e-4),
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


def run(command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr[-2000:]}")
    return done


def evaluate(method_is_full, out, a, folder):
    """Share of held-out requests answered exactly, in per cent."""
    model = ["--model", out / "final"] if method_is_full else ["--model", a.model, "--adapter", out / "final"]
    said = run([BIN / "hone-evaluate", *model, "--data", folder / "heldout.raw.jsonl", "--limit", a.score_rows]).stdout
    return float(re.findall(r"([\d.]+) %", re.search(r"exact match.*", said).group(0))[-1])


def train(options, rate, seed, a, folder):
    out = folder / "run"
    command = [BIN / "hone-sft", "--model", a.model, "--train-data", folder / "train.jsonl", "--eval-data",
               folder / "heldout.jsonl", "--output-dir", out, "--overwrite-output-dir", "--max-steps", a.steps, "--seed",
               seed, "--learning-rate", rate, "--save-steps", 0, "--dtype", a.dtype, *options]
    said = run(command).stderr
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    # The bar's last rate counts the whole run; logging and loading are outside it.
    rates = re.findall(r"([\d,]+) tokens/s", said)
    trained = re.search(r"training ([\d,]+) of [\d,]+ parameters \(([\d.]+ %)\)", said)
    score = evaluate(method_is_full="full" in options, out=out, a=a, folder=folder) if a.score_rows else None
    return {"score": score, "loss": [line["eval_loss"] for line in lines if "eval_loss" in line][-1],
            "memory": float(re.search(r"peak memory ([\d.]+) MiB", said).group(1)),
            "rate": float(rates[-1].replace(",", "")), "trained": trained.group(1), "share": trained.group(2)}


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True)
    p.add_argument("--train", required=True)
    p.add_argument("--heldout", required=True)
    p.add_argument("--heldout-rows", type=int, default=100)
    p.add_argument("--score-rows", type=int, default=0, help="held-out rows to answer; 0: no score")
    p.add_argument("--steps", type=int, default=40)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--dtype", default="auto")
    p.add_argument("--methods", nargs="*", default=list(METHODS))
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = Path(a.heldout).read_text().splitlines(keepends=True)[:a.heldout_rows]
        (folder / "heldout.raw.jsonl").write_text("".join(rows))
        for source, kind in ((a.train, "train"), (folder / "heldout.raw.jsonl", "heldout")):
            run([BIN / "hone-convert", "--model", a.model, "--input", source, "--output", folder / f"{kind}.jsonl"])
        print("| method | trained | share | peak memory, MiB | tokens/s | held-out loss | spread | exact match |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for method in a.methods:
            options, rate = METHODS[method]
            results = [train(options, rate, seed, a, folder) for seed in range(a.seeds)]
            loss = [r["loss"] for r in results]
            spread = f"{max(loss) - min(loss):.4f}" if len(loss) > 1 else "-"
            scores = [r["score"] for r in results if r["score"] is not None]
            exact = f"{statistics.mean(scores):.1f} %" if scores else "-"
            print(f"| {method} | {results[0]['trained']} | {results[0]['share']} | "
                  f"{statistics.median(r['memory'] for r in results):,.0f} | "
                  f"{statistics.median(r['rate'] for r in results):,.0f} | {statistics.mean(loss):.4f} | {spread} | {exact} |",
                  flush=True)


if __name__ == "__main__":
    main()
