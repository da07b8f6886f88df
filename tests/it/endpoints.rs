//! `--target aws` sends nothing to anybody but AWS, whatever names another endpoint. The other endpoint is a socket of the test, and
//! no connection may arrive there.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const SCENARIO: &str =
    "[stream]\nshards = 1\n[load]\nrate = \"10/s\"\nduration = \"1s\"\n[records]\nsize = \"100 B\"\n";
/// What must not be seen anywhere.
const SECRETS: [&str; 3] = ["AKIDSECRET", "very-secret-key", "very-secret-token"];

/// Runs the program with nothing in its environment but this; `config` is its AWS configuration. `URL` and `PORT` in both are those of the socket.
fn run_with(command: &[&str], scheme: &str, environment: &[(&str, &str)], config: &str) -> (Output, TempDir, String) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let url = format!("{scheme}://{}", socket.local_addr().unwrap());
    let directory = TempDir::new().unwrap();
    let file = |name: &str, text: &str| fs::write(directory.path().join(name), text.replace("URL", &url)).unwrap();
    file("config", config);
    let secrets = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        SECRETS[0], SECRETS[1], SECRETS[2]
    );
    file("credentials", &secrets);
    file("small.toml", SCENARIO);
    let output = program(directory.path())
        .args(command)
        .args(["--target", "aws", "--out", "result"])
        .envs(environment.iter().map(|(name, value)| (name, value.replace("URL", &url))))
        .output()
        .unwrap();
    let arrived = socket.accept();
    let nothing = arrived.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    assert!(nothing, "{command:?} {environment:?} {config}: a connection arrived: {arrived:?}");
    (output, directory, url)
}

/// The scheme of the address, the environment, and the AWS configuration.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

fn program(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command.current_dir(directory).stdin(Stdio::null()).env_clear();
    command.env("HOME", directory).env("AWS_EC2_METADATA_DISABLED", "true");
    command.env("AWS_CONFIG_FILE", directory.join("config"));
    command.env("AWS_SHARED_CREDENTIALS_FILE", directory.join("credentials"));
    command
}

fn refused(output: &Output, url: &str) -> String {
    let words = String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains(url), "{words}");
    assert!(!SECRETS.iter().any(|secret| words.contains(secret)), "{words}");
    words
}

#[test]
fn whatever_names_another_endpoint_nothing_is_sent_there() {
    const REGION: &str = "[default]\nregion = eu-west-1\n";
    let service = "[default]\nregion = eu-west-1\nservices = x\n[services x]\nkinesis =\n  endpoint_url = URL\n";
    let of_profile = "[profile team]\nregion = eu-west-1\nservices = x\naws_access_key_id = AKIDSECRET\naws_secret_access_key = \
                      very-secret-key\n[services x]\nkinesis =\n  endpoint_url = URL\n";
    let role = "[default]\nregion = eu-west-1\nendpoint_url = URL\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = base\n\
                [profile base]\naws_access_key_id = AKIDSECRET\naws_secret_access_key = very-secret-key\n";
    let china = "[default]\nregion = cn-north-1\nservices = x\n[services x]\nkinesis =\n  endpoint_url = URL\n";
    let accounts = format!("{service}[profile y]\naccount_id_endpoint_mode = required\n");
    let cases: &[Case] = &[
        ("http", &[("AWS_ENDPOINT_URL", "URL")], REGION),
        ("http", &[("AWS_ENDPOINT_URL_KINESIS", "URL")], REGION),
        ("https", &[("AWS_ENDPOINT_URL_KINESIS", "URL")], REGION),
        ("http", &[], "[default]\nregion = eu-west-1\nendpoint_url = URL\n"),
        ("http", &[], service),
        ("https", &[], service),
        ("http", &[("AWS_PROFILE", "team")], of_profile),
        ("http", &[("AWS_REGION", "us-gov-west-1")], service),
        ("http", &[], china),
        ("http", &[("AWS_ACCOUNT_ID_ENDPOINT_MODE", "required"), ("AWS_ACCOUNT_ID", "123456789012")], &accounts),
        // Not even what the credentials come from is asked.
        ("http", &[], role),
    ];
    for (scheme, environment, config) in cases {
        let (output, directory, url) = run_with(&["run", "small.toml"], scheme, environment, config);
        let words = refused(&output, &url);
        assert!(words.contains("nothing was sent") && words.contains("AWS_ENDPOINT_URL_KINESIS"), "{words}");
        assert!(!directory.path().join("result/result.json").exists(), "it is no measurement");
    }
}

#[test]
fn settings_that_exclude_another_endpoint_are_refused_too() {
    for setting in ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"] {
        let config = "[default]\nregion = eu-west-1\nservices = x\n[services x]\nkinesis =\n  endpoint_url = URL\n";
        let (output, _directory, _) = run_with(&["run", "small.toml"], "http", &[(setting, "true")], config);
        let words = refused(&output, "endpoint");
        assert!(words.contains("no endpoint of Kinesis") || words.contains("nothing was sent"), "{words}");
    }
}

#[test]
fn an_address_of_aws_without_tls_or_of_somebody_elses_host_there_is_refused() {
    for url in [
        "http://kinesis.eu-west-1.amazonaws.com",
        "https://kinesis.eu-west-1.amazonaws.com.cn",
        "https://kinesis.us-east-1.amazonaws.com",
        "https://mine.execute-api.eu-west-1.amazonaws.com",
    ] {
        let environment = &[("AWS_ENDPOINT_URL_KINESIS", url)];
        let (output, ..) = run_with(&["run", "small.toml"], "http", environment, "[default]\nregion = eu-west-1\n");
        refused(&output, url);
    }
}

#[test]
fn every_command_with_a_target_refuses_it() {
    let service = "[default]\nregion = eu-west-1\nservices = x\n[services x]\nkinesis =\n  endpoint_url = URL\n";
    let own = env!("CARGO_BIN_EXE_streamgauge");
    for command in [&["search", "small.toml"][..], &["bench", "small.toml", "--baseline", own]] {
        let (output, _directory, url) = run_with(command, "http", &[], service);
        refused(&output, &url);
    }
}
