//! Shared reads: shard iterators and GetRecords (fact sheet, section 1.3).

use super::api::*;
use super::service::{Answer, Kinesis, shard_not_found};
use super::stream::rate_exceeded;
use crate::time::Time;

impl Kinesis {
    pub(super) fn get_shard_iterator(&mut self, now: Time, name: &str, shard: ShardId, position: Position) -> Answer {
        let account = self.settings.account.clone();
        let reader = self.serial();
        let Some(at) = self.usable(now, name)?.shard_mut(shard) else {
            return Err(shard_not_found(name, shard, &account));
        };
        let offset = at.resolve(position).map_err(|message| ServiceError::new(ErrorKind::InvalidArgument, message))?;
        at.note_reader(now, reader, offset);
        let stream = name.to_owned();
        Ok(Response::GetShardIterator(IteratorToken { stream, shard, offset, reader, serial: reader, issued: now }))
    }

    pub(super) fn get_records(&mut self, now: Time, iterator: IteratorToken, limit: usize) -> Reply {
        let response = self.read(now, iterator, limit).map(Response::GetRecords);
        Reply { response, ready_at: self.latency.get(now) }
    }

    fn read(&mut self, now: Time, iterator: IteratorToken, limit: usize) -> Result<GetRecords, ServiceError> {
        let account = self.settings.account.clone();
        let max_bytes = self.settings.profile.request.get_bytes;
        let life = self.settings.profile.read.iterator_life;
        let serial = self.serial();
        let stream = self.usable(now, &iterator.stream)?;
        let Some(shard) = stream.shard_mut(iterator.shard) else {
            return Err(shard_not_found(&iterator.stream, iterator.shard, &account));
        };
        if now.since(iterator.issued) >= life {
            let message = format!(
                "Iterator expired. The iterator was created {} milliseconds ago, which is further in the past than the \
                 tolerated delay of {} milliseconds.",
                now.since(iterator.issued).as_millis(),
                life.as_millis()
            );
            return Err(ServiceError::new(ErrorKind::ExpiredIterator, message));
        }
        if shard.read.admit(now).is_err() {
            return Err(rate_exceeded(iterator.shard, &iterator.stream, &account));
        }
        shard.note_reader(now, iterator.reader, iterator.offset);
        let slice = shard.slice(now, iterator.offset, limit, max_bytes);
        shard.read.charge(now, slice.bytes);
        Ok(GetRecords {
            records: slice.records,
            next: Some(IteratorToken { offset: slice.next, serial, issued: now, ..iterator }),
            millis_behind_latest: slice.millis_behind_latest,
            children: Vec::new(),
        })
    }

    fn serial(&mut self) -> u64 {
        self.next_serial += 1;
        self.next_serial
    }
}
