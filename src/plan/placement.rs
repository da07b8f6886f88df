//! Which shard takes how much: keys placed by their MD5.

use crate::kinesis::{HashKey, HashKeyRange, locate};
use crate::workload::Keys;

/// Share of the arrivals that each range takes, the first `arrivals` of them for recorded keys; exact, key by key, or by the
/// explicit hash keys.
pub fn shard_shares(keys: &Keys, ranges: &[HashKeyRange], arrivals: u64) -> Vec<f64> {
    let mut shares = vec![0.0; ranges.len()];
    if let (Some(hash_keys), false) = (keys.hash_keys(), shares.is_empty()) {
        let hash_keys: Vec<u128> = hash_keys.collect();
        for key in &hash_keys {
            shares[locate(ranges, HashKey(*key))] += 1.0 / hash_keys.len() as f64;
        }
    } else if !shares.is_empty() {
        for weight in keys.weights(arrivals) {
            shares[locate(ranges, HashKey::of(&weight.key))] += weight.share;
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    #[test]
    fn shares_sum_to_one_and_the_hot_key_is_where_it_hashes_to() {
        let ranges = HashKeyRange::initial(8);
        let shares = shard_shares(&Keys::hot_key(1_000, Share(0.4)), &ranges, 0);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        let hot = locate(&ranges, HashKey::of("key-000000"));
        assert!(shares[hot] > 0.4 && shares.iter().enumerate().all(|(i, s)| i == hot || *s < 0.15));
    }
}
