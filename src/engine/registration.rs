//! Registered consumers, for enhanced fan-out.

use std::future::ready;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::types::ConsumerStatus;
use tokio::time::{Instant, sleep};

use super::created::{Created, Resource};
use super::errors::describe;
use super::stream::{
    APPEARANCE, NOT_FOUND, ReadyStream, STATUS_INTERVAL, STATUS_PATIENCE, is_uncertain, passes, patiently, until_gone,
    unusable,
};
use super::{Control, EngineError};

/// A consumer that the run has registered, and removes again.
#[derive(Debug)]
pub(super) struct Registration {
    /// Its ARN.
    pub arn: String,
    resource: Resource,
    /// Where it is noted. A stream of the run's own takes its consumers along, so that they need no note.
    created: Created,
}

impl Registration {
    /// Removes the consumer. What goes wrong is for the warnings of the run.
    pub async fn remove(self, client: &Client) -> Result<(), String> {
        deregister(client, Some(&self.arn), &self.resource, Instant::now(), &self.created).await
    }
}

/// Registers a consumer and waits until it is ACTIVE, or the run is stopped.
///
/// If it cannot be used, it is removed again.
pub(super) async fn register(
    client: &Client,
    stream: &ReadyStream,
    consumer: &str,
    control: &Control,
) -> Result<Registration, EngineError> {
    let mut control = control.clone();
    let created = if stream.created { control.created.at(None) } else { control.created.clone() };
    let resource = Resource::Consumer { consumer: consumer.to_owned(), stream_arn: stream.arn.clone() };
    created.begin(&resource);
    let (arn, status) = match announce(client, &stream.arn, consumer, &mut control).await {
        Ok(announced) => announced,
        Err(NotRegistered { error, perhaps }) => {
            if perhaps {
                let _ = deregister(client, None, &resource, Instant::now() + APPEARANCE, &created).await;
            } else {
                created.gone(&resource);
            }
            return Err(error);
        }
    };
    let active = tokio::select! {
        active = wait_until_active(client, &arn, status, consumer) => active,
        () = control.stopped() => Err(EngineError::Stopped),
    };
    match active {
        Ok(()) => Ok(Registration { arn, resource, created }),
        Err(error) => {
            let _ = deregister(client, Some(&arn), &resource, Instant::now() + APPEARANCE, &created).await;
            Err(error)
        }
    }
}

/// Why there is no consumer, or perhaps one.
struct NotRegistered {
    error: EngineError,
    /// A call may have been carried out all the same.
    perhaps: bool,
}

/// Registers a consumer; gives its ARN and its status. A run that is stopped waits for the answer to a call, and makes no other.
async fn announce(
    client: &Client,
    stream_arn: &str,
    consumer: &str,
    control: &mut Control,
) -> Result<(String, ConsumerStatus), NotRegistered> {
    let mut perhaps = false;
    let deadline = Instant::now() + STATUS_PATIENCE;
    loop {
        if control.is_stopped() {
            return Err(NotRegistered { error: EngineError::Stopped, perhaps });
        }
        let call = client.register_stream_consumer().stream_arn(stream_arn).consumer_name(consumer);
        let error = match call.send().await {
            Ok(answer) => {
                let registered = answer.consumer.map(|consumer| (consumer.consumer_arn, consumer.consumer_status));
                let error = || cannot(consumer, "the answer names no consumer");
                return registered.ok_or_else(|| NotRegistered { error: error(), perhaps: true });
            }
            Err(error) => error,
        };
        perhaps |= is_uncertain(&error);
        if !passes(&error, &[]) || Instant::now() >= deadline {
            return Err(NotRegistered { error: cannot(consumer, &describe(&error)), perhaps });
        }
        tokio::select! {
            () = sleep(STATUS_INTERVAL) => {}
            () = control.stopped() => {}
        }
    }
}

/// Waits until a consumer of this status is ACTIVE.
async fn wait_until_active(
    client: &Client,
    arn: &str,
    mut status: ConsumerStatus,
    consumer: &str,
) -> Result<(), EngineError> {
    let deadline = Instant::now() + STATUS_PATIENCE;
    while status != ConsumerStatus::Active {
        if Instant::now() >= deadline {
            return Err(cannot(consumer, "it did not become ACTIVE in time"));
        }
        sleep(STATUS_INTERVAL).await;
        let call = || client.describe_stream_consumer().consumer_arn(arn).send();
        let answer = patiently(STATUS_PATIENCE, &[NOT_FOUND], call).await;
        let answer = answer.map_err(|error| cannot(consumer, &describe(&error)))?;
        if let Some(description) = answer.consumer_description {
            status = description.consumer_status;
        }
    }
    Ok(())
}

/// Removes a consumer, whatever state it is in. That the service does not know it is believed from `absent_from` on.
async fn deregister(
    client: &Client,
    arn: Option<&str>,
    resource: &Resource,
    absent_from: Instant,
    created: &Created,
) -> Result<(), String> {
    let Resource::Consumer { consumer, stream_arn } = resource else { return Ok(()) };
    let call = || {
        let call = client.deregister_stream_consumer();
        let call = match arn {
            Some(arn) => call.consumer_arn(arn),
            None => call.stream_arn(stream_arn).consumer_name(consumer),
        };
        call.send()
    };
    until_gone(resource, absent_from, created, call, || ready(false)).await
}

fn cannot(consumer: &str, why: &str) -> EngineError {
    unusable(&format!("the consumer `{consumer}` cannot be registered"), why)
}
