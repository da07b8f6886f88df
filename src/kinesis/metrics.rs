//! What CloudWatch would show of a stream (fact sheet, section 8), summed since the stream was created.

/// A metric of a stream, by CloudWatch's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the variants are CloudWatch's metrics")]
pub enum StreamMetric {
    IncomingBytes,
    IncomingRecords,
    PutRecordBytes,
    PutRecordSuccess,
    PutRecordLatency,
    PutRecordsBytes,
    PutRecordsSuccess,
    PutRecordsLatency,
    PutRecordsTotalRecords,
    PutRecordsSuccessfulRecords,
    PutRecordsFailedRecords,
    PutRecordsThrottledRecords,
    WriteProvisionedThroughputExceeded,
    ReadProvisionedThroughputExceeded,
    GetRecordsBytes,
    GetRecordsRecords,
    GetRecordsSuccess,
    GetRecordsLatency,
    GetRecordsIteratorAgeMilliseconds,
    SubscribeToShardSuccess,
    SubscribeToShardRateExceeded,
    SubscribeToShardEventBytes,
    SubscribeToShardEventRecords,
    SubscribeToShardEventMillisBehindLatest,
}

/// The statistics of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Statistics {
    /// How many values.
    pub samples: u64,
    /// Their sum.
    pub sum: f64,
    /// The largest.
    pub maximum: f64,
}

/// All metrics of a stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StreamMetrics([Statistics; StreamMetric::ALL.len()]);

impl StreamMetric {
    /// All of them.
    pub const ALL: [Self; 24] = [
        Self::IncomingBytes,
        Self::IncomingRecords,
        Self::PutRecordBytes,
        Self::PutRecordSuccess,
        Self::PutRecordLatency,
        Self::PutRecordsBytes,
        Self::PutRecordsSuccess,
        Self::PutRecordsLatency,
        Self::PutRecordsTotalRecords,
        Self::PutRecordsSuccessfulRecords,
        Self::PutRecordsFailedRecords,
        Self::PutRecordsThrottledRecords,
        Self::WriteProvisionedThroughputExceeded,
        Self::ReadProvisionedThroughputExceeded,
        Self::GetRecordsBytes,
        Self::GetRecordsRecords,
        Self::GetRecordsSuccess,
        Self::GetRecordsLatency,
        Self::GetRecordsIteratorAgeMilliseconds,
        Self::SubscribeToShardSuccess,
        Self::SubscribeToShardRateExceeded,
        Self::SubscribeToShardEventBytes,
        Self::SubscribeToShardEventRecords,
        Self::SubscribeToShardEventMillisBehindLatest,
    ];

    /// CloudWatch's name, such as `PutRecords.Success`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IncomingBytes => "IncomingBytes",
            Self::IncomingRecords => "IncomingRecords",
            Self::PutRecordBytes => "PutRecord.Bytes",
            Self::PutRecordSuccess => "PutRecord.Success",
            Self::PutRecordLatency => "PutRecord.Latency",
            Self::PutRecordsBytes => "PutRecords.Bytes",
            Self::PutRecordsSuccess => "PutRecords.Success",
            Self::PutRecordsLatency => "PutRecords.Latency",
            Self::PutRecordsTotalRecords => "PutRecords.TotalRecords",
            Self::PutRecordsSuccessfulRecords => "PutRecords.SuccessfulRecords",
            Self::PutRecordsFailedRecords => "PutRecords.FailedRecords",
            Self::PutRecordsThrottledRecords => "PutRecords.ThrottledRecords",
            Self::WriteProvisionedThroughputExceeded => "WriteProvisionedThroughputExceeded",
            Self::ReadProvisionedThroughputExceeded => "ReadProvisionedThroughputExceeded",
            Self::GetRecordsBytes => "GetRecords.Bytes",
            Self::GetRecordsRecords => "GetRecords.Records",
            Self::GetRecordsSuccess => "GetRecords.Success",
            Self::GetRecordsLatency => "GetRecords.Latency",
            Self::GetRecordsIteratorAgeMilliseconds => "GetRecords.IteratorAgeMilliseconds",
            Self::SubscribeToShardSuccess => "SubscribeToShard.Success",
            Self::SubscribeToShardRateExceeded => "SubscribeToShard.RateExceeded",
            Self::SubscribeToShardEventBytes => "SubscribeToShardEvent.Bytes",
            Self::SubscribeToShardEventRecords => "SubscribeToShardEvent.Records",
            Self::SubscribeToShardEventMillisBehindLatest => "SubscribeToShardEvent.MillisBehindLatest",
        }
    }
}

impl StreamMetrics {
    /// Adds a value.
    pub(super) fn add(&mut self, metric: StreamMetric, value: f64) {
        let statistics = &mut self.0[metric as usize];
        statistics.samples += 1;
        statistics.sum += value;
        statistics.maximum = statistics.maximum.max(value);
    }

    /// The statistics of a metric.
    pub const fn get(&self, metric: StreamMetric) -> Statistics {
        self.0[metric as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_has_its_own_place() {
        for (place, metric) in StreamMetric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, place, "{}", metric.name());
        }
    }
}
