process.stderr.write('benchmarks: not built into this version yet.\n');
process.exitCode = 1;
