#!/usr/bin/env bash
# The whole path with the real programs and the base model, in a few updates: convert, inspect, train, stop, resume,
# evaluate, merge, generate. usage: pipeline.sh BIN_FOLDER SOURCE_FOLDER
set -euo pipefail
bin=$1 source=$2
model=$("$source/tools/fetch-model" 2>/dev/null)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "pipeline: $*" >&2; exit 1; }
# expect_refusal TEXT COMMAND...: exit code 2, one line on stderr that holds TEXT.
expect_refusal() {
  local text=$1 code=0
  shift
  "$@" >"$work/out" 2>"$work/err" || code=$?
  [[ $code == 2 ]] || fail "exit code $code instead of 2: $*: $(cat "$work/err")"
  [[ $(wc -l <"$work/err") == 1 ]] || fail "more than one line: $(cat "$work/err")"
  grep -qF -- "$text" "$work/err" || fail "no '$text' in: $(cat "$work/err")"
}

head -n 24 "$source/data/home_control/train.jsonl" >"$work/train.jsonl"
head -n 4 "$source/data/home_control/heldout.jsonl" >"$work/heldout.jsonl"
for name in train heldout; do
  "$bin/hone-convert" --model "$model" --input "$work/$name.jsonl" --output "$work/$name.tokens" 2>/dev/null >&2
done
"$bin/hone-inspect" "$work/train.tokens" --model "$model" --rows 1 | grep -q '<|im_end|>' || fail "hone-inspect shows no end token"

sft=("$bin/hone-sft" --model "$model" --train-data "$work/train.tokens" --eval-data "$work/heldout.tokens"
  --per-device-train-batch-size 2 --gradient-accumulation-steps 2 --learning-rate 1e-3 --save-steps 2 --seed 3)

# Uninterrupted, and resumed from its second update: the same metrics and the same adapter, bit for bit.
"${sft[@]}" --output-dir "$work/whole" --save-total-limit 0 2>/dev/null >/dev/null
mkdir "$work/resumed"
cp -r "$work/whole/step_2" "$work/resumed/"
"${sft[@]}" --output-dir "$work/resumed" --resume 2>/dev/null >/dev/null
cmp "$work/whole/final/adapter_model.safetensors" "$work/resumed/final/adapter_model.safetensors" || fail "resumed differs"
diff <(sed 1,2d "$work/whole/metrics.jsonl") "$work/resumed/metrics.jsonl" || fail "resumed metrics differ"

# A stop by Ctrl-C saves and says so; the rest follows from there.
"${sft[@]}" --output-dir "$work/stopped" --num-train-epochs 50 2>"$work/err" >/dev/null &
pid=$!
until [[ -s $work/stopped/metrics.jsonl ]]; do sleep 0.2; done
code=0
kill -INT $pid
wait $pid || code=$?
[[ $code == 130 ]] || fail "Ctrl-C gave $code"
grep -q -- "--resume" "$work/err" || fail "no word of --resume"
compgen -G "$work/stopped/step_*/state.safetensors" >/dev/null || fail "nothing saved"
[[ ! -e $work/stopped/final ]] || fail "a final model of a stopped run"

"$bin/hone-evaluate" --model "$model" --adapter "$work/whole/final" --data "$work/heldout.jsonl" --limit 4 \
  --eval-data "$work/heldout.tokens" --max-new-tokens 8 --output "$work/report.json" | grep -q 'exact match' || fail "no table"

"$bin/hone-merge" --model "$model" --adapter "$work/whole/final" --output "$work/merged" --dtype float32 2>/dev/null >/dev/null
ask=(--prompt "Switch the heater on." --system "Answer with one JSON command." --max-new-tokens 12)
adapted=$("$bin/hone-generate" --model "$model" --adapter "$work/whole/final" "${ask[@]}")
merged=$("$bin/hone-generate" --model "$work/merged" "${ask[@]}")
[[ -n $adapted && $adapted == "$merged" ]] || fail "merged says '$merged', adapted '$adapted'"
printf '%s\n' '{"prompt":"Hi"}' '{"messages":[{"role":"user","content":"Name a colour."}]}' >"$work/prompts.jsonl"
"$bin/hone-generate" --model "$model" --input "$work/prompts.jsonl" --output "$work/answers.jsonl" --max-new-tokens 4 >/dev/null
[[ $(grep -c '"completion"' "$work/answers.jsonl") == 2 ]] || fail "answers are missing"
printf 'Say hi.\n/undo\n/exit\n' | "$bin/hone-chat" --model "$model" --max-new-tokens 4 2>/dev/null | grep -q . || fail "hone-chat is silent"

# What is wrong is said in one line.
expect_refusal "holds a run already" "${sft[@]}" --output-dir "$work/whole"
expect_refusal "did you mean q_proj" "${sft[@]}" --output-dir "$work/x" --target-modules q_prj
expect_refusal "did you mean learning" "${sft[@]}" --output-dir "$work/x" --lerning-rate 1
expect_refusal "max_grad_norm must not be negative" "${sft[@]}" --output-dir "$work/x" --max-grad-norm=-1
expect_refusal "nowhere" "$bin/hone-generate" --model "$work/nowhere" --prompt Hi
expect_refusal "temperature" "$bin/hone-generate" --model "$model" --prompt Hi --temperature=-1
expect_refusal "exists already" "$bin/hone-merge" --model "$model" --adapter "$work/whole/final" --output "$work/merged"
head -c 1000000 "$model" >"$work/cut.gguf"
expect_refusal "cut.gguf" "$bin/hone-generate" --model "$work/cut.gguf" --prompt Hi
sed 's/"tokenizer":"./"tokenizer":"x/' "$work/train.tokens" >"$work/other.tokens"
expect_refusal "tokenizer" "$bin/hone-sft" --model "$model" --train-data "$work/other.tokens" --output-dir "$work/x"
printf 'learnng_rate = 1e-4\n' >"$work/typo.toml"
expect_refusal "did you mean learning" "${sft[@]}" --output-dir "$work/x" --config "$work/typo.toml"
[[ ! -e $work/x ]] || fail "a refused run left a folder"
echo "pipeline: every stage works"
