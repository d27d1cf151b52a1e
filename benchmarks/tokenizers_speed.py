"""Speed of hone's tokenizer against Hugging Face's Rust tokenizers: the same lines, one thread each, in turn.

    python benchmarks/tokenizers_speed.py --tokenizer FOLDER --input TEXT [--runs 5]

FOLDER holds a tokenizer.json. Needs the Python package tokenizers, and bench-tokenize (cmake -DHONE_BUILD_BENCHMARKS=ON).
Prints megabytes per second, medians over the runs, and whether all ids are equal.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Tokenizer  # noqa: E402


def checksum(encodings):
    total = 0
    for ids in encodings:
        for i in ids:
            total = (total * 31 + i) % 2**64
    return total


def peer(path, lines):
    tokenizer = Tokenizer.from_file(path)  # loaded anew, so that its cache is empty as hone's is
    start = time.perf_counter()
    encodings = tokenizer.encode_batch_fast(lines, add_special_tokens=False)
    seconds = time.perf_counter() - start
    return seconds, checksum(e.ids for e in encodings)


def ours(binary, folder, text):
    out = subprocess.run([binary, "--tokenizer", folder, "--input", text], check=True, capture_output=True, text=True)
    result = json.loads(out.stdout)
    return result["seconds"], result["checksum"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--input", required=True)
    parser.add_argument("--binary", default="build/release/bin/bench-tokenize")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with open(args.input, encoding="utf-8-sig", newline="") as file:
        lines = [line.removesuffix("\r") for line in file.read().split("\n")]
    lines = [line for line in lines if line.strip(" \t")]
    size = sum(len(line.encode()) for line in lines) / 1e6
    ratios, speeds = [], ([], [])
    for _ in range(args.runs):
        a, sum_a = ours(args.binary, args.tokenizer, args.input)
        b, sum_b = peer(os.path.join(args.tokenizer, "tokenizer.json"), lines)
        equal = sum_a == sum_b
        speeds[0].append(size / a)
        speeds[1].append(size / b)
        ratios.append(b / a)
    print(f"{size:.1f} MB, {len(lines)} lines, ids {'equal' if equal else 'DIFFER'}: hone "
          f"{statistics.median(speeds[0]):.1f} MB/s, tokenizers {statistics.median(speeds[1]):.1f} MB/s, "
          f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
