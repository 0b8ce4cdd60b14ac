#!/usr/bin/env bash
# One stage of the work that many machines share: tokens, entropies, samples, features, and what is made of their shards.
# Training lies between entropy and sample, see README.md.
#
#   pipeline.sh tokenize|entropy|sample|features|merge [options of dpar]
#
# Options after the stage go to its dpar command, and win over those from the environment: pipeline.sh features --range unit.
# Which share of a stage this machine does is read from a Slurm array or a Kubernetes indexed Job by dpar itself; SHARD=I/N
# says it otherwise. A stage may be run again at any time: what is there and whole is kept.
set -euo pipefail

stage=${1:?expected a stage: tokenize, entropy, sample, features or merge}
shift
work=${WORK:?expected WORK, a folder that all machines see}

if [[ -n ${SHARD-} && $stage != merge ]]; then set -- --shard "$SHARD" "$@"; fi

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
  sample)
    exec dpar sample --checkpoint "$CHECKPOINT" --entropy-checkpoint "$ENTROPY_CHECKPOINT" --tokenizer "$TOKENIZER" \
      --classes "${CLASSES:-0-999}" --count "${COUNT:-50000}" --guidance-scale "${GUIDANCE_SCALE:-${CFG_SCALE:-2}}" --seed "${SEED:-0}" \
      --output "$work/samples" "$@"
    ;;
  features)
    exec dpar features --images "$work/samples" --features "$FEATURES" --output "$work/features" "$@"
    ;;
  merge)
    # One machine does it. Tokens and entropies lie in one folder each: their merge only checks that all of them are there.
    if [[ ${JOB_COMPLETION_INDEX:-0} != 0 || ${SLURM_ARRAY_TASK_ID:-0} != "${SLURM_ARRAY_TASK_MIN:-0}" ]]; then exit 0; fi
    for part in tokens entropies; do
      if [[ -d $work/$part ]]; then run merge --input "$work/$part" --output "$work/$part" "$@"; fi
    done
    for part in samples features; do
      if [[ -d $work/$part ]]; then run merge --input "$work/$part" --output "$work/$part.npz" "$@"; fi
    done
    ;;
  *)
    echo "pipeline.sh: expected tokenize, entropy, sample, features or merge, got '$stage'." >&2
    exit 2
    ;;
esac
