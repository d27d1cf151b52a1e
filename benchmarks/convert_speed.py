"""Speed and memory of hone-convert against datasets + transformers on the same file, two processes or threads each.

    python benchmarks/convert_speed.py --tokenizer FOLDER --input rows.jsonl [--runs 3]

rows.jsonl holds {"messages": [...]} rows; FOLDER a tokenizer with a chat template. The peer reads it with
datasets.load_dataset and maps apply_chat_template(tokenize=True) over it with two processes, as TRL does; hone-convert
also finds the loss mask and writes text. Prints seconds, MB/s, rows/s and peak memory (proportional set size of all
processes), medians over the runs, in turn. Needs the Python packages datasets, transformers and psutil.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import psutil

PEER = """
import sys, datasets, transformers
datasets.disable_progress_bars()
tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
if len(sys.argv) > 4: tokenizer.chat_template = open(sys.argv[4]).read()
rows = datasets.load_dataset("json", data_files=sys.argv[2], split="train", cache_dir=sys.argv[3])
def encode(example):
    ids = tokenizer.apply_chat_template(example["messages"], tokenize=True, return_dict=True)["input_ids"]
    return {"input_ids": ids}
rows = rows.map(encode, num_proc=2, remove_columns=rows.column_names)
print(sum(len(ids) for ids in rows.with_format("numpy")["input_ids"]) if len(rows) < 20000 else len(rows))
"""


def memory_of(process):
    total = 0
    for one in [process] + process.children(recursive=True):
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            pass
    return total


def run(command):
    """Seconds, and the most memory seen, of a command and its children."""
    start = time.perf_counter()
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        try:
            peak = max(peak, memory_of(process))
        except psutil.Error:
            pass
        time.sleep(0.05)
    if process.returncode != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return time.perf_counter() - start, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--chat-template")
    parser.add_argument("--binary", default="build/release/bin/hone-convert")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with open(args.input, "rb") as file:
        rows = sum(1 for _ in file)
    size = os.path.getsize(args.input) / 1e6
    results = {"hone": [], "datasets": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.runs):
            hone = [args.binary, "--tokenizer", args.tokenizer, "--input", args.input, "--output", f"{folder}/t.jsonl",
                    "--overwrite", "--threads", "2"]
            peer = [sys.executable, "-c", PEER, args.tokenizer, args.input, f"{folder}/cache"]
            if args.chat_template:
                hone += ["--chat-template", args.chat_template]
                peer += [args.chat_template]
            results["hone"].append(run(hone))
            results["datasets"].append(run(peer))
            shutil.rmtree(f"{folder}/cache")
    for name, runs in results.items():
        seconds = statistics.median(s for s, _ in runs)
        peak = statistics.median(p for _, p in runs)
        print(f"{name:9} {seconds:7.2f} s  {size / seconds:7.1f} MB/s  {rows / seconds:9.0f} rows/s  {peak / 1e6:8.1f} MB")
    pairs = list(zip(results["hone"], results["datasets"]))
    print(f"speed {statistics.median(b[0] / a[0] for a, b in pairs):.1f} times, "
          f"memory 1/{statistics.median(b[1] / a[1] for a, b in pairs):.1f}")


if __name__ == "__main__":
    main()
