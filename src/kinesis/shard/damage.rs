//! Damage to the record that a shard has stored last.

use super::{Condition, RECORD_OVERHEAD, Shard, StoredRecord};
use crate::kinesis::damage::{Damage, LOOKED_AT};
use crate::kinesis::sequence::SequenceNumber;
use crate::time::Time;

impl Shard {
    /// Damages the record stored last. Gives the number that it is found under; `None` if nothing could be done to it.
    pub fn damage_last(&mut self, now: Time, damage: Damage) -> Option<SequenceNumber> {
        match damage {
            Damage::Lose => self.lose_last(),
            Damage::Duplicate => self.duplicate_last(),
            Damage::Corrupt => self.corrupt_last(),
            Damage::SwapStored => self.swap_last(now, LOOKED_AT),
            Damage::SwapDelivered => None,
        }
    }

    /// Hides the last record.
    fn lose_last(&mut self) -> Option<SequenceNumber> {
        let record = self.records.back_mut()?;
        record.condition = Condition::Lost;
        let arrival = record.arrival;
        Some(self.sequence_number(self.end() - 1, arrival))
    }

    /// Stores the last record once more.
    fn duplicate_last(&mut self) -> Option<SequenceNumber> {
        let record = self.records.back_mut()?;
        record.condition = Condition::Damaged;
        let copy = StoredRecord { bytes: record.bytes.clone(), ..*record };
        let arrival = copy.arrival;
        self.stored_bytes += copy.size() + RECORD_OVERHEAD;
        self.records.push_back(copy);
        Some(self.sequence_number(self.end() - 1, arrival))
    }

    /// Changes a bit at the end of the last record's data; `None` if it has none.
    fn corrupt_last(&mut self) -> Option<SequenceNumber> {
        let record = self.records.back_mut()?;
        let mut bytes = Vec::from(&record.bytes[..]);
        *bytes.get_mut(usize::from(record.key_length)..)?.last_mut()? ^= 1;
        record.bytes = bytes.into();
        record.condition = Condition::Damaged;
        let arrival = record.arrival;
        Some(self.sequence_number(self.end() - 1, arrival))
    }

    /// Lets the last record change places with the one of its key before it, which must not be visible yet and at most `back` records
    /// away.
    fn swap_last(&mut self, now: Time, back: usize) -> Option<SequenceNumber> {
        let last = self.records.len().checked_sub(1)?;
        let key = |record: &StoredRecord| record.bytes.slice(..usize::from(record.key_length));
        let wanted = key(&self.records[last]);
        let unseen = |place: &usize| self.records[*place].visible > now;
        let mut places = (last.saturating_sub(back)..last).rev().take_while(unseen);
        let place = places.find(|place| key(&self.records[*place]) == wanted)?;
        if [place, last].iter().any(|place| self.records[*place].condition != Condition::Whole) {
            return None;
        }
        self.records.swap(place, last);
        // The times stay where they are.
        let times = |place: usize| (self.records[place].visible, self.records[place].arrival);
        let (earlier, later) = (times(last), times(place));
        for (place, (visible, arrival)) in [(place, earlier), (last, later)] {
            let record = &mut self.records[place];
            (record.visible, record.arrival, record.condition) = (visible, arrival, Condition::Damaged);
        }
        Some(self.sequence_number(self.end() - 1, later.1))
    }
}
