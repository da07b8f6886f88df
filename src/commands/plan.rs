//! `streamgauge plan`: the prediction alone.

use super::prices::known_prices;
use super::{Exit, load, print, styled};
use crate::cli::Plan;
use crate::kinesis::Profile;
use crate::plan::predict;
use crate::report;

/// Predicts what a scenario needs.
pub fn plan(arguments: &Plan) -> Exit {
    let profile = Profile::newest();
    let prices = match known_prices(&arguments.scenario) {
        Ok(prices) => prices,
        Err(exit) => return exit,
    };
    let scenario = match load(&arguments.scenario, &profile) {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    let plan = predict(&scenario, &profile, &prices);
    let printed = if arguments.json {
        match serde_json::to_string_pretty(&plan) {
            Ok(json) => print(&format!("{json}\n")),
            Err(error) => {
                super::fail(&format!(
                    "the plan cannot be written as JSON: {error}; leave out --json, and please report it with the scenario"
                ));
                return Exit::NotWritten;
            }
        }
    } else if arguments.terraform {
        print(&report::terraform(&scenario, &plan))
    } else if arguments.aws_cli {
        print(&report::aws_cli(&scenario, &plan))
    } else {
        print(&report::plan_text(&plan, styled(&std::io::stdout())))
    };
    printed.err().unwrap_or(Exit::Met)
}
