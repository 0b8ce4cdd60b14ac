process.stderr.write('dpar: no subcommand is built into this version yet.\n');
process.exitCode = 2;
