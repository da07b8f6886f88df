//! What the exit codes of each command mean, as its help says.

/// Of `init`.
pub(super) const INIT_EXIT_CODES: &str = "\
Exit codes:
  0  the scenario was written
  2  bad input: the arguments or answers, or a file is there already
  4  the scenario could not be written";

/// Of `check`.
pub(super) const CHECK_EXIT_CODES: &str = "\
Exit codes:
  0  every scenario is valid, whatever there is to look at twice
  2  a scenario has problems, or cannot be read
  4  the result could not be written";

/// Of commands that judge a scenario without a target.
pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  the run is valid and its objectives are met
  1  an objective is missed or could not be measured, or none of the records was accepted
  2  bad input: the arguments, the scenario, or a target that cannot be used
  3  the run is void: the generator itself was too late, the ledger does not balance, or the run was interrupted
  4  a result could not be written

Results go to stdout, progress and logs to stderr. NO_COLOR is respected.";

/// Of `run` and what runs like it.
pub(super) const RUN_EXIT_CODES: &str = "\
Exit codes:
  0  the run is valid and its objectives are met
  1  an objective is missed or could not be measured, or none of the records was accepted
  2  bad input: the arguments, the scenario, or a target that cannot be used
  3  the run is void: the generator itself was too late, the ledger does not balance, or the run was interrupted
  4  a result could not be written
  5  a stream or a consumer of the run could not be deleted, whatever else came of it; it is named
  130, 131, 143  a second SIGINT, SIGQUIT or SIGTERM ended it at once; what it leaves is named

SIGINT (Ctrl-C), SIGTERM, SIGQUIT and SIGHUP end a run: what was measured is kept, and what was created is deleted.

Results go to stdout, progress and logs to stderr. NO_COLOR is respected.";

/// Of `prices`.
pub(super) const PRICES_EXIT_CODES: &str = "\
Exit codes:
  0  the table was printed
  2  bad input: the file is no price list of Kinesis
  4  the table could not be written";

/// Of `search`.
pub(super) const SEARCH_EXIT_CODES: &str = "\
Exit codes:
  0  the search found what it was to find
  1  nothing that was tried is sustained
  2  bad input: the arguments, the scenario, or a target that cannot be used or offered its load
  3  the search was interrupted; the trials that were made are written
  4  the results could not be written
  5  a stream or a consumer of a trial could not be deleted, whatever else came of it; it is named
  130, 131, 143  a second SIGINT, SIGQUIT or SIGTERM ended it at once; what it leaves is named

Results go to stdout, progress and logs to stderr. NO_COLOR is respected.";

/// Of `sweep`.
pub(super) const SWEEP_EXIT_CODES: &str = "\
Exit codes:
  0  every combination was simulated, whatever came of it
  2  bad input: the arguments, or a scenario that some combination of values makes impossible
  3  the sweep was interrupted; what was done is written
  4  the results could not be written

Results go to stdout, progress and logs to stderr. NO_COLOR is respected.";

/// Of `emulator`.
pub(super) const EMULATOR_EXIT_CODES: &str = "\
Exit codes:
  0    a signal stopped it
  2    bad input: the arguments, the environment, a file, or an address that cannot be listened on
  130  a second SIGINT stopped it at once (131: a second SIGQUIT, 143: a second SIGTERM)

The listening line goes to stdout, logs to stderr.";
