//! What a run comes to.

use super::{Run, RunWire};
use crate::measure::{ProcessRecord, Recording, StreamIndex, StreamRecording};
use crate::time::Time;
use crate::workload::Workload;

impl<W: RunWire> Run<'_, W> {
    /// Ends the recording at `now`; what is not done by then is given up: what was never sent is abandoned, and what was never
    /// answered is unknown. `process` is what else the process has measured.
    pub fn finish(mut self, now: Time, mut process: ProcessRecord) -> (Recording, Workload) {
        self.producing.give_up(now);
        let produced = self.producing.finish(now);
        let consumers = self.consumers.finish(now, &produced.put);
        let events = self.scenario.with_faults(&self.changes.finish(now));
        // What went wrong on the way of the records comes first.
        process.warnings.splice(0..0, produced.warnings);
        let stream = StreamRecording {
            index: StreamIndex::FIRST,
            name: self.stream,
            shards: self.shards.named(),
            open_shards: self.open_shards,
            put: produced.put,
            tenants: produced.tenants,
            digest: produced.digest,
            accepted_by_new_shards: produced.accepted_by_new_shards,
            dead_letters: produced.dead_letters,
            consumers,
            events,
        };
        process.part = self.part;
        let (ending, load_ended) = (self.ending, self.load_ended);
        (Recording { ending, load_ended, streams: vec![stream], processes: vec![process] }, produced.workload)
    }
}
