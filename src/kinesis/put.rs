//! PutRecord and PutRecords (fact sheet, sections 1.1 and 1.2).

use std::collections::BTreeSet;
use std::time::Duration;

use super::api::*;
use super::fault::{Call, Faults, Part, injected};
use super::metrics::StreamMetric as M;
use super::refusal::{invalid, rate_exceeded};
use super::sequence::SequenceNumber;
use super::state::Kinesis;
use super::stream::Stream;
use crate::time::Time;

/// What became of the records of one call.
struct Outcome {
    receipts: Vec<Result<PutReceipt, ServiceError>>,
    encryption: Encryption,
    /// Utilisation of the busiest shard that was written to.
    utilisation: f64,
    dropped: bool,
    accepted_bytes: u64,
}

/// What fault rules that name a shard do to a call.
#[derive(Default)]
struct EntryFaults {
    /// Of each record.
    errors: Vec<Option<ServiceError>>,
    /// Of the call.
    error: Option<ErrorKind>,
    delay: Duration,
}

impl Kinesis {
    pub(super) fn put_record(
        &mut self,
        now: Time,
        stream: &str,
        entry: PutEntry,
        after: Option<SequenceNumber>,
    ) -> Reply {
        let mut delay = Duration::ZERO;
        let outcome = self.put(now, Operation::PutRecord, stream, std::slice::from_ref(&entry), after, &mut delay);
        let ready_at = self.put_ready_at(now, 1, &outcome) + delay;
        let latency = ready_at.since(now).as_secs_f64() * 1e3;
        if let (Ok(outcome), Some(stream)) = (&outcome, self.streams.get_mut(stream)) {
            stream.metrics.add(M::PutRecordBytes, entry.bytes() as f64);
            stream.metrics.add(M::PutRecordSuccess, f64::from(u8::from(outcome.accepted_bytes > 0)));
            stream.metrics.add(M::PutRecordLatency, latency);
        }
        let response = outcome.and_then(|mut outcome| match outcome.receipts.pop() {
            _ if outcome.dropped => Err(injected(ErrorKind::ConnectionDropped)),
            Some(receipt) => receipt.map(|receipt| Response::PutRecord { receipt, encryption: outcome.encryption }),
            None => Ok(Response::Empty),
        });
        Reply { response, ready_at }
    }

    pub(super) fn put_records(&mut self, now: Time, stream: &str, entries: Vec<PutEntry>) -> Reply {
        let bytes: u64 = entries.iter().map(PutEntry::bytes).sum();
        let most = self.settings.profile.request.bytes;
        let mut delay = Duration::ZERO;
        let outcome = if bytes > most {
            Err(invalid(format!("Records size exceeds {} MB limit", most >> 20)))
        } else {
            self.put(now, Operation::PutRecords, stream, &entries, None, &mut delay)
        };
        let ready_at = self.put_ready_at(now, entries.len(), &outcome) + delay;
        let latency = ready_at.since(now).as_secs_f64() * 1e3;
        if let (Ok(outcome), Some(stream)) = (&outcome, self.streams.get_mut(stream)) {
            let kind = |receipt: &Result<PutReceipt, ServiceError>| receipt.as_ref().err().map(|error| error.kind);
            let count = |wanted: Option<ErrorKind>| outcome.receipts.iter().filter(|r| kind(r) == wanted).count();
            let accepted = count(None);
            stream.metrics.add(M::PutRecordsBytes, bytes as f64);
            stream.metrics.add(M::PutRecordsSuccess, f64::from(u8::from(accepted > 0)));
            stream.metrics.add(M::PutRecordsLatency, latency);
            stream.metrics.add(M::PutRecordsTotalRecords, entries.len() as f64);
            stream.metrics.add(M::PutRecordsSuccessfulRecords, accepted as f64);
            stream.metrics.add(M::PutRecordsFailedRecords, count(Some(ErrorKind::InternalFailure)) as f64);
            let throttled = count(Some(ErrorKind::ProvisionedThroughputExceeded));
            stream.metrics.add(M::PutRecordsThrottledRecords, throttled as f64);
        }
        let response = outcome.and_then(|outcome| match outcome.dropped {
            true => Err(injected(ErrorKind::ConnectionDropped)),
            false => Ok(Response::PutRecords { receipts: outcome.receipts, encryption: outcome.encryption }),
        });
        Reply { response, ready_at }
    }

    fn put_ready_at(&mut self, now: Time, records: usize, outcome: &Result<Outcome, ServiceError>) -> Time {
        match outcome {
            Ok(outcome) => self.latency.put(now, records, outcome.utilisation),
            Err(_) => self.latency.put(now, 1, 0.0),
        }
    }

    /// Stores what is admitted. Faults add to `delay`.
    fn put(
        &mut self,
        now: Time,
        operation: Operation,
        name: &str,
        entries: &[PutEntry],
        after: Option<SequenceNumber>,
        delay: &mut Duration,
    ) -> Result<Outcome, ServiceError> {
        let account = self.settings.account.clone();
        let has_faults = self.faults.rules().next().is_some();
        let stream = self.usable(now, name)?;
        check(stream, entries, after, &account)?;
        let encryption = stream.encryption.clone();
        let before = stream.stored_bytes();
        let mut outcome = Outcome {
            receipts: Vec::with_capacity(entries.len()),
            encryption,
            utilisation: 0.0,
            dropped: false,
            accepted_bytes: 0,
        };
        let mut faults = EntryFaults::default();
        if has_faults {
            faults = self.inject_into_entries(now, operation, name, entries);
            *delay += faults.delay;
            match faults.error {
                Some(ErrorKind::ConnectionDropped) if self.faults.stored_all_the_same() => outcome.dropped = true,
                Some(kind) => return Err(injected(kind)),
                None => {}
            }
        }
        let mut throttled = 0u32;
        let damages = has_faults && self.faults.do_damage(true);
        let Some(stream) = self.streams.get_mut(name) else { return Ok(outcome) };
        for (index, entry) in entries.iter().enumerate() {
            if let Some(error) = faults.errors.get_mut(index).and_then(Option::take) {
                stream.pass_turn();
                outcome.receipts.push(Err(error));
                continue;
            }
            let receipt = stream.put(now, entry, &mut self.latency);
            if let Ok(receipt) = &receipt {
                outcome.accepted_bytes += entry.bytes();
                let utilisation = stream.shard(receipt.shard).map_or(0.0, |shard| shard.meter.utilisation());
                outcome.utilisation = outcome.utilisation.max(utilisation);
                if damages {
                    damage_stored(&mut self.faults, stream, now, operation, receipt, &entry.partition_key);
                }
            } else {
                throttled += 1;
            }
            outcome.receipts.push(receipt.map_err(|shard| rate_exceeded(shard, name, &account)));
        }
        let accepted = outcome.receipts.iter().filter(|receipt| receipt.is_ok()).count();
        stream.metrics.add(M::IncomingBytes, outcome.accepted_bytes as f64);
        stream.metrics.add(M::IncomingRecords, accepted as f64);
        stream.metrics.add(M::WriteProvisionedThroughputExceeded, f64::from(throttled));
        stream.trim_expired(now);
        self.usage.bytes = (self.usage.bytes + stream.stored_bytes()).saturating_sub(before);
        self.usage.peak = self.usage.peak.max(self.usage.bytes);
        if self.usage.bytes > self.usage.budget {
            self.trim_to_budget(now);
        }
        Ok(outcome)
    }

    /// Draws the faults of the rules that name a shard: once for each shard that the call has records for, and once for each
    /// record.
    fn inject_into_entries(
        &mut self,
        now: Time,
        operation: Operation,
        name: &str,
        entries: &[PutEntry],
    ) -> EntryFaults {
        let mut faults = EntryFaults { errors: vec![None; entries.len()], ..EntryFaults::default() };
        let mut shards = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let Some(stream) = self.streams.get(name) else { break };
            let shard = stream.peek_destination(entry, index);
            if shards.insert(shard) {
                let hit = self.inject(now, operation, name, shard, Part::Shard);
                faults.delay = faults.delay.max(hit.delay);
                faults.error = faults.error.or(hit.error);
            }
            let hit = self.inject(now, operation, name, shard, Part::Record);
            faults.errors[index] = hit.error.map(|kind| match kind {
                ErrorKind::ProvisionedThroughputExceeded => rate_exceeded(shard, name, &self.settings.account),
                other => injected(other),
            });
        }
        faults
    }
}

/// Damages a record that was just stored, if a fault rule says so.
fn damage_stored(
    faults: &mut Faults,
    stream: &mut Stream,
    now: Time,
    operation: Operation,
    receipt: &PutReceipt,
    key: &[u8],
) {
    let call = Call { now, operation, stream: Some(&stream.name), shard: Some(receipt.shard), part: Part::Stored };
    let Some(damage) = faults.inject(call).damage else { return };
    if let Some(number) = stream.damage_last(now, receipt.shard, damage) {
        faults.note_injected(damage, receipt, number, key);
    }
}

/// Checks what only the stream can say of a call.
fn check(
    stream: &Stream,
    entries: &[PutEntry],
    after: Option<SequenceNumber>,
    account: &str,
) -> Result<(), ServiceError> {
    let most = u64::from(stream.max_record_kib) << 10;
    for entry in entries {
        check_entry(entry, most, stream.distribution)?;
    }
    if let Some(number) = after.filter(|after| stream.shard(after.shard).is_none()) {
        return Err(invalid(format!(
            "ExclusiveMinimumSequenceNumber {number} used in PutRecord on stream {} under account {account} is invalid.",
            stream.name
        )));
    }
    Ok(())
}

/// Checks what only the stream can say of a record.
fn check_entry(entry: &PutEntry, most: u64, distribution: Distribution) -> Result<(), ServiceError> {
    if entry.partition_key.is_empty() && distribution == Distribution::UserPartitionKey {
        return Err(invalid("PartitionKey is required: the record distribution strategy of the stream is not AUTO."));
    }
    let bytes = entry.bytes();
    if bytes > most {
        // The service's own wording is not known.
        return Err(invalid(format!(
            "Record of {bytes} bytes (data and partition key) exceeds the limit of {most} bytes"
        )));
    }
    Ok(())
}
