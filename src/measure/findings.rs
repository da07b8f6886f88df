//! The self-test of the delivery check: what was damaged, against what was found.

use super::delivery::DeliveryCheck;
use super::faults::{DeliveryFault, FaultPlace, PLACES_MAX};
use super::measurement::ConsumerRecord;
use crate::kinesis::{Damage, InjectedFault, InjectedFaults};

/// What the check found of one kind of damage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was done.
    pub damage: Damage,
    /// Who read; `None` for what was done to the answers of all consumers.
    pub consumer: Option<String>,
    /// How often it was done.
    pub injected: u64,
    /// How often it was found.
    pub found: u64,
    /// How many of the first ones are listed with the right shard, partition key and sequence number.
    pub placed: u64,
    /// How many have to be listed.
    pub to_place: u64,
}

impl Finding {
    /// What the consumers found of each kind of damage that was done.
    pub fn of(injected_faults: &InjectedFaults, consumers: &[ConsumerRecord]) -> Vec<Self> {
        let done = Damage::ALL.into_iter().filter(|damage| injected_faults.count(*damage) > 0);
        done.flat_map(|damage| match damage {
            // Each consumer has answers of its own.
            Damage::SwapDelivered => vec![Self::by(injected_faults, damage, None, consumers)],
            _ => {
                let alone = |consumer: &ConsumerRecord| {
                    Self::by(injected_faults, damage, Some(consumer.name.clone()), std::slice::from_ref(consumer))
                };
                consumers.iter().map(alone).collect()
            }
        })
        .collect()
    }

    /// Whether all of it was found, counted and placed.
    pub const fn holds(&self) -> bool {
        self.injected > 0 && self.found == self.injected && self.placed == self.to_place && self.to_place > 0
    }

    fn by(
        injected_faults: &InjectedFaults,
        damage: Damage,
        consumer: Option<String>,
        consumers: &[ConsumerRecord],
    ) -> Self {
        let is_right = |place: &&FaultPlace| {
            let is_it = |injected: &InjectedFault| {
                // What cannot be read is lost as well.
                let same = injected.damage == damage || (damage, injected.damage) == (Damage::Lose, Damage::Corrupt);
                same && place.shard == injected.shard.to_string()
                    && place.partition_key == injected.partition_key
                    && place.sequence_number == Some(injected.sequence_number.to_string())
            };
            place.fault == fault(damage) && injected_faults.listed().iter().any(is_it)
        };
        let (mut found, mut placed, mut to_place) = (0, 0, 0);
        for consumer in consumers {
            let places =
                if damage == Damage::Lose { consumer.delivery.lost } else { count(damage, &consumer.delivery) };
            found += count(damage, &consumer.delivery);
            placed += consumer.places.iter().filter(is_right).count() as u64;
            to_place += places.min(PLACES_MAX as u64);
        }
        Self { damage, consumer, injected: injected_faults.count(damage), found, placed, to_place }
    }
}

const fn fault(damage: Damage) -> DeliveryFault {
    match damage {
        Damage::Lose => DeliveryFault::Lost,
        Damage::Duplicate => DeliveryFault::Copy,
        Damage::Corrupt => DeliveryFault::Corrupt,
        Damage::SwapStored => DeliveryFault::WrittenOutOfOrder,
        Damage::SwapDelivered => DeliveryFault::DeliveredOutOfOrder,
    }
}

/// How many of a kind a check has counted.
const fn count(damage: Damage, check: &DeliveryCheck) -> u64 {
    match damage {
        // A corrupt record never arrives, and is lost as well.
        Damage::Lose => check.lost.saturating_sub(check.corrupt),
        Damage::Duplicate => check.copies_otherwise,
        Damage::Corrupt => check.corrupt,
        Damage::SwapStored => check.written_out_of_order,
        Damage::SwapDelivered => check.delivered_out_of_order,
    }
}
