#!/usr/bin/env bash
# One stage of the work that many machines share: tokens, entropies, samples, features, and what is made of their shards.
# Training lies between entropy and sample, see README.md.
#
#   pipeline.sh tokenize|entropy|sample|features|merge
#
# Which share of a stage this machine does is read from a Slurm array or a Kubernetes indexed Job by dpar itself; SHARD=I/N
# says it otherwise. A stage may be run again at any time: what is there and whole is kept.
set -euo pipefail

stage=${1:?expected a stage: tokenize, entropy, sample, features or merge}
work=${WORK:?expected WORK, a folder that all machines see}

shard=()
if [[ -n ${SHARD-} ]]; then shard=(--shard "$SHARD"); fi

case $stage in
  tokenize)
    exec dpar tokenize --tokenizer "$TOKENIZER" --input "$IMAGES" --crop "${CROP:-ten}" --size "${SIZE:-256}" \
      --output "$work/tokens" "${shard[@]}"
    ;;
  entropy)
    exec dpar entropy --checkpoint "$ENTROPY_CHECKPOINT" --input "$work/tokens" --output "$work/entropies" "${shard[@]}"
    ;;
  sample)
    exec dpar sample --checkpoint "$CHECKPOINT" --entropy-checkpoint "$ENTROPY_CHECKPOINT" --tokenizer "$TOKENIZER" \
      --classes "${CLASSES:-0-999}" --count "${COUNT:-50000}" --cfg-scale "${CFG_SCALE:-2}" --seed "${SEED:-0}" \
      --output "$work/samples" "${shard[@]}"
    ;;
  features)
    exec dpar features --images "$work/samples" --features "$FEATURES" --output "$work/features" "${shard[@]}"
    ;;
  merge)
    # One machine does it. Tokens and entropies lie in one folder each: their merge only checks that all of them are there.
    if [[ ${JOB_COMPLETION_INDEX:-0} != 0 || ${SLURM_ARRAY_TASK_ID:-0} != "${SLURM_ARRAY_TASK_MIN:-0}" ]]; then exit 0; fi
    for part in tokens entropies; do
      if [[ -d $work/$part ]]; then dpar merge --input "$work/$part" --output "$work/$part"; fi
    done
    for part in samples features; do
      if [[ -d $work/$part ]]; then dpar merge --input "$work/$part" --output "$work/$part.npz"; fi
    done
    ;;
  *)
    echo "pipeline.sh: expected tokenize, entropy, sample, features or merge, got '$stage'." >&2
    exit 2
    ;;
esac
