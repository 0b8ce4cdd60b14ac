#!/usr/bin/env bash
# One stage of the work that many machines share: tokens, entropies, samples, features, and what is made of their shards. The
# first machine trains the model between entropy and sample.
#
#   pipeline.sh tokenize|entropy|train|sample|features|merge [options of dpar]
#
# Options after the stage go to its dpar command, and win over those from the environment: pipeline.sh features --range unit.
# Which share of a stage this machine does is read from a Slurm array or a Kubernetes indexed Job by dpar itself; SHARD=I/N
# says it otherwise. A stage may be run again at any time: what is there and whole is kept.
set -euo pipefail

stage=${1:?expected a stage: tokenize, entropy, train, sample, features or merge}
shift
work=${WORK:?expected WORK, a folder that all machines see}

if [[ -n ${SHARD-} && $stage != merge && $stage != train ]]; then set -- --shard "$SHARD" "$@"; fi

# True for the first task of an array or Job, which does the stages that are not shared.
isFirst() {
  [[ ${JOB_COMPLETION_INDEX:-0} == 0 && ${SLURM_ARRAY_TASK_ID:-0} == "${SLURM_ARRAY_TASK_MIN:-0}" ]]
}

# Runs dpar as a child and passes TERM on: bash would end without it, or, as the first process of a container, not at all.
run() {
  # The trap is set first: a signal may come before the number of the child is known.
  child='' stopped=''
  trap 'stopped=1; [[ -z $child ]] || kill -TERM "$child" 2>/dev/null || true' TERM
  dpar "$@" &
  child=$!
  [[ -z $stopped ]] || kill -TERM "$child" 2>/dev/null || true
  # The trap ends the first wait; the second one waits for the end of the child.
  wait "$child" || {
    status=$?
    wait "$child" 2>/dev/null || true
    exit "$status"
  }
}

case $stage in
  tokenize)
    exec dpar tokenize --tokenizer "$TOKENIZER" --input "$IMAGES" --crop "${CROP:-ten}" --size "${SIZE:-256}" \
      --output "$work/tokens" "$@"
    ;;
  entropy)
    exec dpar entropy --checkpoint "$ENTROPY_CHECKPOINT" --input "$work/tokens" --output "$work/entropies" "$@"
    ;;
  train)
    # It resumes from its newest checkpoint, with the bytes of an undisturbed run.
    isFirst || exit 0
    if [[ -d $work/entropies ]]; then set -- --set "data.entropies=$work/entropies" "$@"; fi
    exec dpar train --config "$CONFIG" --output "$work/model" --resume --set "data.tokens=$work/tokens" "$@"
    ;;
  sample)
    exec dpar sample --checkpoint "${CHECKPOINT:-$work/model/last}" --entropy-checkpoint "$ENTROPY_CHECKPOINT" --tokenizer "$TOKENIZER" \
      --classes "${CLASSES:-0-999}" --count "${COUNT:-50000}" --guidance-scale "${GUIDANCE_SCALE:-${CFG_SCALE:-2}}" --seed "${SEED:-0}" \
      --output "$work/samples" "$@"
    ;;
  features)
    exec dpar features --images "$work/samples" --features "$FEATURES" --output "$work/features" "$@"
    ;;
  merge)
    # Tokens and entropies lie in one folder each: their merge only checks that all of them are there.
    isFirst || exit 0
    for part in tokens entropies; do
      if [[ -d $work/$part ]]; then run merge --input "$work/$part" --output "$work/$part" "$@"; fi
    done
    for part in samples features; do
      if [[ -d $work/$part ]]; then run merge --input "$work/$part" --output "$work/$part.npz" "$@"; fi
    done
    ;;
  *)
    echo "pipeline.sh: expected tokenize, entropy, train, sample, features or merge, got '$stage'." >&2
    exit 2
    ;;
esac
