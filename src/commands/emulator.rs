//! `streamgauge emulator`: the emulator as a server of its own.

use std::path::Path;
use std::process;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::signals::Signals;
use super::{Exit, cannot_listen, fail, no_runtime, no_signals, note, print};
use crate::cli::{Emulator, Latency, WriteLimits};
use crate::emulator::{Credentials, Server, Service, Tls, serve};
use crate::kinesis::{Profile, Settings, WriteLimiter};
use crate::seed::Seed;

/// Serves until a signal ends it.
pub fn emulator(arguments: &Emulator) -> Exit {
    let server = match server(arguments) {
        Ok(server) => server,
        Err(problem) => {
            fail(&problem);
            return Exit::BadInput;
        }
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            fail(&no_runtime(&error));
            return Exit::BadInput;
        }
    };
    match runtime.block_on(listen(arguments, server)) {
        Ok(()) => Exit::Met,
        Err(problem) => {
            fail(&problem);
            Exit::BadInput
        }
    }
}

/// The server as the arguments want it.
fn server(arguments: &Emulator) -> Result<Server, String> {
    let credentials = arguments.require_auth.then(credentials).transpose()?;
    let tls = tls(arguments)?;
    let mut server = Server::new(Arc::new(Service::new(settings(arguments)?)));
    if let Some(credentials) = credentials {
        server = server.with_credentials(credentials);
    }
    if let Some(tls) = tls {
        server = server.with_tls(tls);
    }
    Ok(server)
}

fn settings(arguments: &Emulator) -> Result<Settings, String> {
    Ok(Settings {
        profile: Arc::new(profile(arguments.profile.as_deref())?),
        write_limiter: match arguments.write_limits {
            WriteLimits::Strict => WriteLimiter::Strict,
            WriteLimits::Field => WriteLimiter::Field,
            WriteLimits::None => WriteLimiter::None,
        },
        control_limits: true,
        seed: Seed(arguments.seed),
        epoch: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        memory_budget: arguments.memory,
        transition_scale: arguments.transitions,
        latency: arguments.latency == Latency::Aws,
        account: arguments.account.clone(),
        region: arguments.region.clone(),
    })
}

/// The profile in the file, or the one compiled in.
fn profile(path: Option<&Path>) -> Result<Profile, String> {
    let Some(path) = path else { return Ok(Profile::newest()) };
    let named = |problem: String| {
        format!("--profile {}: {problem}; profiles/aws-2026-11.toml is one to start from", path.display())
    };
    let text = std::fs::read_to_string(path).map_err(|error| named(error.to_string()))?;
    Profile::parse(&text).map_err(|error| named(error.to_string()))
}

/// The credentials of the environment; they are never printed.
fn credentials() -> Result<Credentials, String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let required = |name: &str| {
        variable(name).ok_or_else(|| {
            format!(
                "--require-auth checks signatures against AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and {name} is not \
                 set: set both, here and for the clients; any made-up values do"
            )
        })
    };
    Ok(Credentials {
        access_key_id: required("AWS_ACCESS_KEY_ID")?,
        secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
        session_token: variable("AWS_SESSION_TOKEN"),
    })
}

fn tls(arguments: &Emulator) -> Result<Option<Tls>, String> {
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        return Tls::from_files(certificate, key).map(Some).map_err(|error| error.to_string());
    }
    if !arguments.tls {
        return Ok(None);
    }
    let (tls, authority) = Tls::generate(&arguments.listen.host()).map_err(|error| error.to_string())?;
    if let Some(path) = &arguments.tls_cert_out {
        std::fs::write(path, authority).map_err(|error| cannot_write(path, &error))?;
    }
    Ok(Some(tls))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!(
        "cannot write the certificate to `{}`: {error}; name a file that can be written with --tls-cert-out",
        path.display()
    )
}

async fn listen(arguments: &Emulator, server: Server) -> Result<(), String> {
    let address = arguments.listen;
    // Installed before anybody can know that the server is there.
    let stop = stop_signal().map_err(|error| no_signals(&error))?;
    let listener =
        TcpListener::bind(address.socket()).await.map_err(|error| cannot_listen(address, &error, "--listen"))?;
    let bound = listener.local_addr().map_err(|error| cannot_listen(address, &error, "--listen"))?;
    if !address.is_loopback() {
        let signed = if arguments.require_auth { "with the right credentials" } else { "without credentials" };
        note(&format!("warning: {address} is open to the network: whoever reaches it can use the emulator {signed}"));
    }
    let scheme = if arguments.tls { "https" } else { "http" };
    // Whoever does not read this line finds the emulator all the same.
    let _ = print(&format!("listening on {scheme}://{bound}\n"));
    serve(listener, Arc::new(server), async {
        // A message and a dropped sender mean the same.
        let _ = stop.await;
    })
    .await;
    Ok(())
}

/// Done at the first signal to stop. The second one ends the program at once.
fn stop_signal() -> std::io::Result<oneshot::Receiver<()>> {
    let (sender, receiver) = oneshot::channel();
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        signals.next().await;
        // The order matters: writing may fail or block where nobody reads.
        let _ = sender.send(());
        note("stopping: open requests may finish; a second signal stops at once");
        process::exit(128 + signals.again().await);
    });
    Ok(receiver)
}
