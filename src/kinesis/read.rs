//! Shared reads: shard iterators and GetRecords (fact sheet, section 1.3).

use super::api::*;
use super::metrics::StreamMetric as M;
use super::refusal::{Answer, invalid, rate_exceeded, shard_not_found};
use super::state::Kinesis;
use crate::time::Time;

impl Kinesis {
    pub(super) fn get_shard_iterator(&mut self, now: Time, name: &str, shard: ShardId, position: Position) -> Answer {
        let account = self.settings.account.clone();
        let life = self.settings.profile.read.iterator_life;
        let reader = self.serial();
        self.trim_expired(now, name);
        let stream = self.usable(now, name)?;
        let Some(at) = stream.shard_mut(shard) else {
            return Err(shard_not_found(name, shard, &account));
        };
        if !at.iterators.has(now, 1) {
            return Err(rate_exceeded(shard, name, &account));
        }
        at.iterators.take(now, 1);
        let offset = at.resolve(position).map_err(invalid)?;
        at.note_reader(now, reader, offset, life);
        let stream = name.to_owned();
        Ok(Response::GetShardIterator(IteratorToken { stream, shard, offset, reader, serial: reader, issued: now }))
    }

    pub(super) fn get_records(&mut self, now: Time, iterator: IteratorToken, limit: usize) -> Reply {
        let (name, shard) = (iterator.stream.clone(), iterator.shard);
        let response = self.read(now, iterator, limit);
        let busy = self.streams.get(&name).and_then(|stream| stream.shard(shard));
        let utilisation = busy.map_or(0.0, |shard| shard.meter.utilisation());
        let ready_at = self.latency.get(now, utilisation);
        if let Some(stream) = self.streams.get_mut(&name) {
            stream.metrics.add(M::GetRecordsSuccess, f64::from(u8::from(response.is_ok())));
            stream.metrics.add(M::GetRecordsLatency, ready_at.since(now).as_secs_f64() * 1e3);
        }
        Reply { response: response.map(Response::GetRecords), ready_at }
    }

    fn read(&mut self, now: Time, iterator: IteratorToken, limit: usize) -> Result<GetRecords, ServiceError> {
        let account = self.settings.account.clone();
        let epoch = self.settings.epoch;
        let max_bytes = self.settings.profile.request.get_bytes;
        let life = self.settings.profile.read.iterator_life;
        let serial = self.serial();
        self.trim_expired(now, &iterator.stream);
        let stream = self.usable(now, &iterator.stream)?;
        let Some(shard) = stream.shard_mut(iterator.shard) else {
            return Err(shard_not_found(&iterator.stream, iterator.shard, &account));
        };
        if now.since(iterator.issued) >= life {
            let date = |time: Time| java_date(epoch + time.since(Time::ZERO));
            let message = format!(
                "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
                 future than the tolerated delay of {} milliseconds.",
                date(iterator.issued),
                date(now),
                life.as_millis()
            );
            return Err(ServiceError::new(ErrorKind::ExpiredIterator, message));
        }
        if shard.read.admit(now).is_err() {
            stream.metrics.add(M::ReadProvisionedThroughputExceeded, 1.0);
            return Err(rate_exceeded(iterator.shard, &iterator.stream, &account));
        }
        shard.note_reader(now, iterator.reader, iterator.offset, life);
        let slice = shard.slice(now, iterator.offset, limit, max_bytes);
        shard.read.charge(now, slice.bytes);
        stream.metrics.add(M::ReadProvisionedThroughputExceeded, 0.0);
        stream.metrics.add(M::GetRecordsBytes, slice.bytes as f64);
        stream.metrics.add(M::GetRecordsRecords, slice.records.len() as f64);
        // The age of the last record of the answer; zero for a reader that has caught up (section 8).
        let last = slice.records.last().filter(|_| slice.millis_behind_latest > 0);
        let age = last.map_or(0.0, |last| now.since(last.arrival).as_secs_f64() * 1e3);
        stream.metrics.add(M::GetRecordsIteratorAgeMilliseconds, age);
        let children = if slice.at_end { stream.children(iterator.shard) } else { Vec::new() };
        let (stream, shard) = (iterator.stream.clone(), iterator.shard);
        let records = self.damage_delivered(now, Operation::GetRecords, &stream, shard, slice.records);
        Ok(GetRecords {
            records,
            next: (!slice.at_end).then_some(IteratorToken { offset: slice.next, serial, issued: now, ..iterator }),
            millis_behind_latest: slice.millis_behind_latest,
            children,
        })
    }
}

/// A moment as Java's `Date.toString` writes it in UTC: `Thu Jan 22 01:22:02 UTC 2015`.
fn java_date(since_1970: std::time::Duration) -> String {
    let seconds = i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| seconds.to_string(),
        |moment| moment.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a %b %d %H:%M:%S UTC %Y").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn dates_are_written_as_java_writes_them() {
        assert_eq!(super::java_date(Duration::from_secs(1_421_889_722)), "Thu Jan 22 01:22:02 UTC 2015");
    }
}
