#!/usr/bin/env bash
# From a bare machine to a fine-tuned model: set-up, build, base model, data, training, before and after.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<TEXT
usage: tools/quickstart.sh [--again] [--help]

Makes this machine ready, builds hone, fetches SmolLM2-135M-Instruct, teaches it to turn spoken home-control
requests into JSON commands (LoRA, on the CPU), and shows held-out answers before and after.

  --again   do every stage on data again, even where its result is there and its inputs are unchanged
  --help    this text

The options of the training are in recipes/home_control.toml; the result goes to runs/home_control.
tools/setup.sh lists the environment variables that steer set-up. A stopped run goes on where it was.
TEXT
}

PROGRAMS=(hone-convert hone-inspect hone-sft hone-evaluate hone-generate hone-chat hone-merge)
BIN=build/release/bin
STATE=runs/.quickstart        # what each stage was last done with
TOKENS=runs/home_control_tokens
RUN=runs/home_control
RECIPE=recipes/home_control.toml

# fingerprint FILE...: one line that changes when a file does.
fingerprint() { sha256sum "$@" | sha256sum | cut -c -64; }

# is_done STAGE RESULT FINGERPRINT: whether the result is there and was made from the same inputs.
is_done() {
  ((!again)) && [[ -e $2 && $(cat "$STATE/$1" 2>/dev/null) == "$3" ]]
}

mark_done() { printf '%s\n' "$2" >"$STATE/$1"; }

# convert NAME: data/home_control/NAME.jsonl to tokenized rows.
convert() {
  local input=data/home_control/$1.jsonl output=$TOKENS/$1.jsonl print
  print=$(fingerprint "$input" "$model")
  if is_done "convert-$1" "$output" "$print"; then
    hone_say "Tokenized rows of $input: $output is there and its inputs are unchanged"
    return
  fi
  hone_say "Tokenizing $input (seconds)"
  mkdir -p "$TOKENS"
  "$BIN/hone-convert" --model "$model" --input "$input" --output "$output" --overwrite >/dev/null
  mark_done "convert-$1" "$print"
}

train() {
  local print how=()
  print=$(fingerprint "$RECIPE" "$model" "$TOKENS/train.jsonl" "$TOKENS/heldout.jsonl")
  if is_done train "$RUN/final" "$print"; then
    hone_say "Training: $RUN/final is there and its inputs are unchanged"
    return
  fi
  if [[ -e $RUN ]]; then
    [[ -e $STATE/train-started ]] || hone_stop "$RUN is there, and is not of an earlier quickstart." "Move it away."
    if ((!again)) && [[ $(cat "$STATE/train-started") == "$print" ]] && compgen -G "$RUN/step_*" >/dev/null; then
      hone_note "Going on from the checkpoint of the stopped run (--again starts over)"
      how=(--resume)
    else
      how=(--overwrite-output-dir)
    fi
  fi
  hone_say "Training an adapter as $RECIPE says (about 8 minutes on two cores; Ctrl-C saves, a later run goes on)"
  mark_done train-started "$print"
  "$BIN/hone-sft" --config "$RECIPE" --model "$model" --train-data "$TOKENS/train.jsonl" \
    --eval-data "$TOKENS/heldout.jsonl" --output-dir "$RUN" "${how[@]}" >/dev/null
  mark_done train "$print"
}

evaluate() {
  local print table=$RUN/comparison.txt
  print=$(fingerprint "$model" "$RUN"/final/* "$TOKENS/heldout.jsonl" data/home_control/heldout.jsonl)
  if is_done evaluate "$table" "$print"; then
    hone_say "Before and after: $table is there and its inputs are unchanged"
  else
    hone_say "Answering 300 held-out requests, before and after (about 2 minutes)"
    "$BIN/hone-evaluate" --model "$model" --adapter "$RUN/final" --data data/home_control/heldout.jsonl \
      --eval-data "$TOKENS/heldout.jsonl" --max-new-tokens 32 --output "$RUN/comparison.json" >"$table.part"
    mv "$table.part" "$table"
    mark_done evaluate "$print"
  fi
  echo
  cat "$table"
}

show_commands() {
  cat <<TEXT

The adapter is in $RUN/final (a PEFT folder). To talk to the model with it:

  $BIN/hone-chat --model $model \\
    --adapter $RUN/final --system "Answer with one JSON command."

To fold it into the base, for any program that reads Hugging Face folders:

  $BIN/hone-merge --model $model \\
    --adapter $RUN/final --output $RUN/merged
TEXT
}

again=0
for argument in "$@"; do
  case $argument in
    -h | --help) usage && exit 0 ;;
    --again) again=1 ;;
    *) hone_stop "unknown option $argument" "See tools/quickstart.sh --help." ;;
  esac
done
trap 'hone_say "Stopped; tools/quickstart.sh goes on from here"; exit 130' INT TERM

cd "$HONE_ROOT"
hone_say "hone quickstart: set-up 1 min, build 3 min, training 8 min, evaluation 2 min, on two cores"
hone_setup release
hone_build release "about 3 minutes" "${PROGRAMS[@]}"
mkdir -p "$STATE"
model=$(tools/fetch-model)
convert train
convert heldout
train
evaluate
show_commands
hone_say "Done in $(hone_elapsed)"
