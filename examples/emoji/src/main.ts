process.stderr.write('emoji: not built into this version yet.\n');
process.exitCode = 1;
